import { sql } from 'kysely';
import type { OverrideRow, PlanRow } from '../rows.ts';
import type { Tables } from '../store.ts';
import { atomically, type TableContext } from './context.ts';
import { jsonOf, quotaOf } from './json.ts';
import { noteTerms, termsBefore } from './terms.ts';

/** Queries of `plans`. */
export function createPlans({ db, dialect }: TableContext): Tables['plans'] {
  // Money comes as text: a number would round it, in silence, above 2^53.
  const plans = () =>
    db
      .selectFrom('plans')
      .select(['name', 'currency', 'limits', 'quota', 'user_quota', 'created_at', 'updated_at'])
      .select([
        sql<string>`cast(monthly_fee as text)`.as('monthly_fee'),
        sql<string>`cast(included_units as text)`.as('included_units'),
        sql<string>`cast(price as text)`.as('price'),
        sql<string>`cast(price_per as text)`.as('price_per'),
      ]);

  return {
    async put(plan) {
      const values = {
        currency: plan.currency,
        monthly_fee: plan.monthlyFee,
        included_units: plan.includedUnits,
        price: plan.price,
        price_per: plan.pricePer,
        limits: JSON.stringify(plan.limits),
        quota: jsonOf(plan.quota),
        user_quota: jsonOf(plan.userQuota),
        updated_at: dialect.time(plan.updatedAt),
      };
      await atomically(db, async (db) => {
        await db
          .insertInto('plans')
          .values({ name: plan.name, created_at: dialect.time(plan.createdAt), ...values })
          .onConflict((already) => already.column('name').doUpdateSet(values))
          .execute();
        await noteTerms({ db, dialect }, plan, plan.updatedAt);
      });
    },

    termsBefore: (name, end) => termsBefore({ db, dialect }, name, end),

    async get(name) {
      const row = await plans().where('name', '=', name).executeTakeFirst();
      return row === undefined ? null : planOf(row);
    },

    async list() {
      return (await plans().orderBy('name').execute()).map(planOf);
    },

    async delete(name) {
      const { numDeletedRows } = await db.deleteFrom('plans').where('name', '=', name).executeTakeFirst();
      return numDeletedRows > 0n;
    },

    async users(name) {
      const { count } = await db
        .selectFrom('users')
        .select(({ fn }) => fn.countAll().as('count'))
        .where('tier', '=', name)
        .where('deleted_at', 'is', null)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

interface Columns {
  name: string;
  currency: string;
  monthly_fee: string;
  included_units: string;
  price: string;
  price_per: string;
  limits: string;
  quota: string | null;
  user_quota: string | null;
  created_at: number;
  updated_at: number;
}

function planOf(row: Columns): PlanRow {
  return {
    name: row.name,
    currency: row.currency,
    monthlyFee: BigInt(row.monthly_fee),
    includedUnits: BigInt(row.included_units),
    price: BigInt(row.price),
    pricePer: BigInt(row.price_per),
    limits: JSON.parse(row.limits) as OverrideRow[],
    quota: quotaOf(row.quota),
    userQuota: quotaOf(row.user_quota),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
