import type { OverrideRow, PlanRow, PolicyKey, Store } from '../store.ts';
import type { TableContext } from './context.ts';
import { quotaOf } from './keys.ts';
import { overridesOf } from './overrides.ts';
import { createPlans } from './plans.ts';
import { isUuid } from './users.ts';

const pageSize = 1000;

/** Keys of the store as the policy needs them: not deleted, of no user who is deleted. */
export function createPolicyKeys(context: TableContext): Pick<Store, 'policyKeys' | 'policyKey'> {
  const { db } = context;
  const keys = () =>
    db
      .selectFrom('api_keys as k')
      .leftJoin('users as u', 'u.id', 'k.user_id')
      .select(['k.id', 'k.key_hash', 'k.previous_hash', 'k.previous_until', 'k.key_prefix', 'k.name'])
      .select(['k.user_id', 'k.enabled', 'k.expires_at', 'k.quota', 'u.tier'])
      .where('k.deleted_at', 'is', null)
      .where('k.source', '=', 'store')
      .where('u.deleted_at', 'is', null);
  const plansByName = async () => {
    const plans = await createPlans(context).list();
    return new Map(plans.map((plan) => [plan.name, plan]));
  };

  return {
    async *policyKeys() {
      const plans = await plansByName();
      for (let after: string | undefined; ; ) {
        const page = after === undefined ? keys() : keys().where('k.id', '>', after);
        const rows = await page.orderBy('k.id').limit(pageSize).execute();
        if (rows.length === 0) return;
        const overrides = await overridesOf(
          db,
          rows.map(({ id }) => id),
        );
        yield rows.map((row) => policyKeyOf(row, overrides.get(row.id), planOf(plans, row.tier)));
        if (rows.length < pageSize) return;
        after = rows.at(-1)?.id;
      }
    },

    async policyKey(id) {
      if (!isUuid(id)) return null;
      const row = await keys().where('k.id', '=', id.toLowerCase()).executeTakeFirst();
      if (row === undefined) return null;
      const overrides = await overridesOf(db, [row.id]);
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
  };
}
