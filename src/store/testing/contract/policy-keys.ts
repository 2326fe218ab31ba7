import { expect, it } from 'vitest';
import type { PolicyKey } from '../../rows.ts';
import type { Store } from '../../store.ts';
import { key, noon, plan, type Subject, user } from '../subject.ts';

export function describePolicyKeys(subject: () => Subject): void {
  it('works the plan of its user into a key', async () => {
    const { store } = subject();
    const own = { method: 'eth_call', requests: 1, periodMs: 1000, burstSize: 0 };
    const planned = { method: 'eth_call', requests: 9, periodMs: 1000, burstSize: 0 };
    const all = { method: '*', requests: 100, periodMs: 1000, burstSize: 10 };
    const quota = { unit: 'cost', limit: 7, period: 'day', warnAt: [50] } as const;
    const gold = plan({
      limits: [planned, all],
      quota: { ...quota, warnAt: [50] },
      userQuota: { ...quota, limit: 70, warnAt: [50] },
    });
    const owner = user({ tier: gold.name });
    const stored = key({ userId: owner.id, overrides: [own], expiresAt: noon });
    await store.plans.put(gold);
    await store.users.insert(owner);
    await store.keys.insert(stored);

    const { id, sha256, prefix, name, userId, enabled, expiresAt, previousSha256, previousUntil } = stored;
    const said: PolicyKey = {
      ...{ id, sha256, prefix, name, userId, enabled, expiresAt, previousSha256, previousUntil },
      overrides: [own, all],
      quota: gold.quota,
      userQuota: gold.userQuota,
    };
    expect(await store.policyKey(id)).toEqual(said);
    expect((await allOf(store)).find((one) => one.id === id)).toEqual(said);

    const its = { unit: 'requests', limit: 1, period: 'month', warnAt: [] } as const;
    await store.keys.update(id, { quota: { ...its, warnAt: [] } });
    expect(await store.policyKey(id), 'its own quota goes before').toEqual({ ...said, quota: its });
    const theirs = { unit: 'requests', limit: 2, period: 'day', warnAt: [] } as const;
    await store.users.update(owner.id, { quota: { ...theirs, warnAt: [] } });
    const both = { ...said, quota: its, userQuota: theirs };
    expect(await store.policyKey(id), 'the user’s own goes before the plan’s').toEqual(both);
    await store.users.update(owner.id, { tier: 'no such plan', quota: null });
    expect(await store.policyKey(id)).toEqual({ ...said, overrides: [own], quota: its, userQuota: null });
  });

  it('leaves out what is deleted, and what the config says', async () => {
    const { store } = subject();
    const gone = user({ deletedAt: noon });
    await store.users.insert(gone);
    const out = [key({ deletedAt: noon }), key({ source: 'config' }), key({ userId: gone.id })];
    const disabled = key({ enabled: false });
    for (const each of [...out, disabled]) await store.keys.insert(each);
    const ids = new Set((await allOf(store)).map(({ id }) => id));
    for (const { id } of out) {
      expect(await store.policyKey(id)).toBeNull();
      expect(ids.has(id)).toBe(false);
    }
    expect(ids.has(disabled.id)).toBe(true);
    expect(await store.policyKey(disabled.id)).toMatchObject({ enabled: false });
  });

  it('gives each once, by the thousand', async () => {
    const { store } = subject();
    const before = (await allOf(store)).length;
    const counted = await store.policyKeyCount();
    const many = Array.from({ length: 2001 }, () => key());
    await store.transaction(async ({ keys }) => {
      for (const each of many) await keys.insert(each);
    });
    const sizes: number[] = [];
    const ids = new Set<string>();
    for await (const page of store.policyKeys()) {
      sizes.push(page.length);
      for (const { id } of page) ids.add(id);
    }
    expect(ids.size).toBe(before + many.length);
    expect(await store.policyKeyCount()).toBe(counted + many.length);
    expect(Math.max(...sizes)).toBe(1000);
    expect(many.every(({ id }) => ids.has(id))).toBe(true);
  });
}

async function allOf(store: Store): Promise<PolicyKey[]> {
  const keys: PolicyKey[] = [];
  for await (const page of store.policyKeys()) keys.push(...page);
  return keys;
}
