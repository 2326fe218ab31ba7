import { sql } from 'kysely';
import type { OverrideRow, PlanRow, PolicyKey } from '../rows.ts';
import type { Store } from '../store.ts';
import { pieces, type TableContext } from './context.ts';
import { quotaOf } from './json.ts';
import { overridesBetween } from './overrides.ts';
import { createPlans } from './plans.ts';
import { isUuid } from '../uuid.ts';

/** Keys that one statement reads: a database without statistics may sort all there are for each. */
const readAtOnce = 10_000;
const pageSize = 1000;

/** Keys of the store as the policy needs them: not deleted, of no user who is deleted. */
export function createPolicyKeys(
  context: TableContext,
): Pick<Store, 'policyKeys' | 'policyKey' | 'policyKeyCount'> {
  const { db } = context;
  const ofStore = () =>
    db.selectFrom('api_keys').where('deleted_at', 'is', null).where('source', '=', sql.lit('store'));
  const live = () => ofStore().selectAll();
  // The page is cut before its users are looked up: what is asked of them would be guessed wrong, and all keys be sorted.
  const withUsers = (keys: ReturnType<typeof live>) =>
    db
      .selectFrom(keys.as('k'))
      .leftJoin('users as u', 'u.id', 'k.user_id')
      .select(['k.id', 'k.key_hash', 'k.previous_hash', 'k.previous_until', 'k.key_prefix', 'k.name'])
      .select([
        'k.user_id',
        'k.enabled',
        'k.expires_at',
        'k.quota',
        'u.tier',
        'u.quota as user_quota',
        'u.deleted_at as user_deleted_at',
      ])
      .orderBy('k.id')
      .execute();

  return {
    async *policyKeys() {
      const plans = new Map((await createPlans(context).list()).map((plan) => [plan.name, plan]));
      for (let after: string | undefined; ; ) {
        const from = after === undefined ? live() : live().where('id', '>', after);
        const rows = await withUsers(from.orderBy('id').limit(readAtOnce));
        const [first, last] = [rows[0]?.id, rows.at(-1)?.id];
        if (first === undefined || last === undefined) return;
        const overrides = await overridesBetween(db, first, last);
        const keys = rows
          .filter((row) => row.user_deleted_at === null)
          .map((row) => policyKeyOf(row, overrides.get(row.id), planOf(plans, row.tier)));
        yield* pieces(keys, pageSize);
        if (rows.length < readAtOnce) return;
        after = last;
      }
    },

    async policyKeyCount() {
      const { count } = await ofStore()
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async policyKey(id) {
      if (!isUuid(id)) return null;
      const [row] = await withUsers(live().where('id', '=', id.toLowerCase()));
      if (row === undefined || row.user_deleted_at !== null) return null;
      const overrides = await overridesBetween(db, row.id, row.id);
      const plan = row.tier === null ? null : await createPlans(context).get(row.tier);
      return policyKeyOf(row, overrides.get(row.id), plan);
    },
  };
}

function planOf(plans: ReadonlyMap<string, PlanRow>, tier: string | null): PlanRow | null {
  return (tier === null ? undefined : plans.get(tier)) ?? null;
}

interface Columns {
  id: string;
  key_hash: string;
  previous_hash: string | null;
  previous_until: number | null;
  key_prefix: string;
  name: string;
  user_id: string | null;
  enabled: boolean | number;
  expires_at: number | null;
  quota: string | null;
  user_quota: string | null;
}

function policyKeyOf(row: Columns, own: OverrideRow[] = [], plan: PlanRow | null): PolicyKey {
  const methods = new Set(own.map(({ method }) => method));
  return {
    id: row.id,
    sha256: row.key_hash,
    previousSha256: row.previous_hash,
    previousUntil: row.previous_until,
    prefix: row.key_prefix,
    name: row.name,
    userId: row.user_id,
    enabled: Boolean(row.enabled),
    expiresAt: row.expires_at,
    overrides: [...own, ...(plan?.limits ?? []).filter(({ method }) => !methods.has(method))],
    quota: quotaOf(row.quota) ?? plan?.quota ?? null,
    userQuota: quotaOf(row.user_quota) ?? plan?.userQuota ?? null,
  };
}
