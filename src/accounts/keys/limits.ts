import { z } from 'zod';
import type { KeyRow, Tables } from '../../store/index.ts';
import { keyRef, limitMethod, override, quota } from '../input/fields.ts';
import { changeOverrides } from '../limits/change-overrides.ts';
import { verb } from '../verb.ts';
import { findKey, findStoreKey } from './find-key.ts';
import { keyView } from './view.ts';

const input = z.strictObject({
  key: keyRef,
  set: z.array(override).max(1000).default([]),
  unset: z.array(limitMethod).max(1000).default([]),
  /** null: its plan's. Left out: as it is. */
  quota: quota.nullable().optional(),
});

/** A key's limits and quota, its plan's beside them; with `set`, `unset` or `quota` they are changed first. */
export const keyLimits = verb(input, async (context, { key: ref, set, unset, quota: wanted }) => {
  const { store } = context;
  if (set.length === 0 && unset.length === 0 && wanted === undefined)
    return answer(store, await findKey(store, ref), context.now());
  const key = await store.transaction(async (tables) => {
    const before = await findStoreKey(tables, ref);
    const overrides = changeOverrides(before.overrides, { set, unset }, context.groups());
    await tables.keys.setOverrides(before.id, overrides);
    if (wanted !== undefined) await tables.keys.update(before.id, { quota: wanted });
    await tables.announce({ keyId: before.id });
    return { ...before, overrides, quota: wanted === undefined ? before.quota : wanted };
  });
  return answer(store, key, context.now());
});

async function answer(tables: Tables, key: KeyRow, now: number) {
  const user = key.userId === null ? null : await tables.users.find(key.userId);
  const plan = user === null ? null : await tables.plans.get(user.tier);
  return {
    ...(await keyView(tables, key, now)),
    plan: plan === null ? null : { name: plan.name, limits: plan.limits, quota: plan.quota },
  };
}
