import { type Kysely, sql } from 'kysely';
import type { Dialect, Schema } from '../schema.ts';
import type { PlanRow, PlanTerms, UserRow } from '../rows.ts';

interface History {
  db: Kysely<Schema>;
  dialect: Dialect;
}

/**
 * Writes from when on a user is on a plan; in the transaction of that change. Never before what is written already, so that
 * the last change stays the last where the clock was set back.
 */
export async function noteTier(
  { db, dialect }: History,
  { id, tier }: Pick<UserRow, 'id' | 'tier'>,
  at: number,
) {
  const last = await db
    .selectFrom('user_tiers')
    .select('at')
    .where('user_id', '=', id)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  await db
    .insertInto('user_tiers')
    .values({ user_id: id, at: dialect.time(Math.max(at, last?.at ?? at)), tier })
    .onConflict((already) => already.columns(['user_id', 'at']).doUpdateSet({ tier }))
    .execute();
}

/** The same of what a plan costs. */
export async function noteTerms({ db, dialect }: History, plan: PlanRow, at: number): Promise<void> {
  const last = await db
    .selectFrom('plan_terms')
    .select('at')
    .where('plan', '=', plan.name)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  const values = {
    currency: plan.currency,
    monthly_fee: plan.monthlyFee,
    included_units: plan.includedUnits,
    price: plan.price,
    price_per: plan.pricePer,
  };
  await db
    .insertInto('plan_terms')
    .values({ plan: plan.name, at: dialect.time(Math.max(at, last?.at ?? at)), ...values })
    .onConflict((already) => already.columns(['plan', 'at']).doUpdateSet(values))
    .execute();
}

/** The plan a user was on the moment before `end`, or else the first one; null: there is no such user. */
export async function tierBefore(
  { db, dialect }: History,
  userId: string,
  end: number,
): Promise<string | null> {
  const rows = db.selectFrom('user_tiers').select('tier').where('user_id', '=', userId);
  const row =
    (await rows.where('at', '<', dialect.time(end)).orderBy('at', 'desc').executeTakeFirst()) ??
    (await rows.orderBy('at').executeTakeFirst());
  return row?.tier ?? null;
}

/** What a plan cost the moment before `end`, or else at first; null: there never was such a plan. */
export async function termsBefore(
  { db, dialect }: History,
  name: string,
  end: number,
): Promise<PlanTerms | null> {
  // Money comes as text: a number would round it, in silence, above 2^53.
  const rows = db
    .selectFrom('plan_terms')
    .select('currency')
    .select([
      sql<string>`cast(monthly_fee as text)`.as('monthly_fee'),
      sql<string>`cast(included_units as text)`.as('included_units'),
      sql<string>`cast(price as text)`.as('price'),
      sql<string>`cast(price_per as text)`.as('price_per'),
    ])
    .where('plan', '=', name);
  const row =
    (await rows.where('at', '<', dialect.time(end)).orderBy('at', 'desc').executeTakeFirst()) ??
    (await rows.orderBy('at').executeTakeFirst());
  return row === undefined
    ? null
    : {
        name,
        currency: row.currency,
        monthlyFee: BigInt(row.monthly_fee),
        includedUnits: BigInt(row.included_units),
        price: BigInt(row.price),
        pricePer: BigInt(row.price_per),
      };
}
