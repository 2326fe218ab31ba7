import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { key, noon, type Subject, user } from '../subject.ts';

export function describeKeys(subject: () => Subject): void {
  it('keeps a key whole', async () => {
    const { users, keys } = subject().store;
    const owner = user();
    await users.insert(owner);
    const whole = key({
      userId: owner.id,
      enabled: false,
      expiresAt: Date.UTC(2028, 1, 29, 23, 59, 59, 999),
      previousSha256: 'ab'.repeat(32),
      previousUntil: noon + 1,
      quota: { unit: 'cost', limit: 9_007_199_254_740_991, period: 'month', warnAt: [80, 95] },
      overrides: [
        { method: '*', requests: 10, periodMs: 1000, burstSize: 0 },
        { method: 'eth_call', requests: 4_000_000_000, periodMs: 86_400_000, burstSize: 7 },
        { method: 'group:read', requests: 1, periodMs: 1, burstSize: 1 },
      ],
      lastUsedAt: noon + 3,
    });
    await keys.insert(whole);
    expect(await keys.get(whole.id)).toEqual(whole);
    expect(await keys.get(randomUUID())).toBeNull();
    expect(await keys.get('no uuid')).toBeNull();
  });

  it('refuses a hash that another key has, until that is deleted', async () => {
    const { keys } = subject().store;
    const first = key();
    await keys.insert(first);
    const second = key({ sha256: first.sha256 });
    await expect(keys.insert(second)).rejects.toMatchObject({ code: 'conflict' });
    await keys.update(first.id, { deletedAt: noon });
    await keys.insert(second);
    expect(await keys.get(first.id)).toMatchObject({ deletedAt: noon });
  });

  it('refuses a key of a user who is not there', async () => {
    const { keys } = subject().store;
    await expect(keys.insert(key({ userId: randomUUID() }))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('finds by id, prefix or name, and all where it is ambiguous', async () => {
    const { keys } = subject().store;
    const name = `shop ${randomUUID()}`;
    const [one, two] = [key({ name }), key({ name })];
    // Named as the other's prefix is.
    const third = key({ name: one.prefix });
    const deleted = key({ name, deletedAt: noon });
    for (const each of [one, two, third, deleted]) await keys.insert(each);
    const ids = async (text: string) => (await keys.find(text)).map(({ id }) => id).sort();
    expect(await ids(name)).toEqual([one.id, two.id].sort());
    expect(await ids(one.id)).toEqual([one.id]);
    expect(await ids(one.id.toUpperCase())).toEqual([one.id]);
    expect(await ids(one.prefix)).toEqual([one.id, third.id].sort());
    expect(await ids(two.prefix)).toEqual([two.id]);
    expect(await ids(deleted.id)).toEqual([]);
    expect(await ids("'; drop table users; --")).toEqual([]);
  });

  it('lists page by page, by name and id, of a user or a source', async () => {
    const { users, keys } = subject().store;
    const owner = user();
    await users.insert(owner);
    const mine = ['b', 'a', 'a', 'C'].map((name) => key({ userId: owner.id, name }));
    for (const each of mine) await keys.insert(each);
    await keys.insert(key({ userId: owner.id, deletedAt: noon }));
    await keys.insert(key({ source: 'config' }));

    const sorted = mine.toSorted((x, y) => (x.name + x.id < y.name + y.id ? -1 : 1)).map(({ id }) => id);
    const first = await keys.list({ userId: owner.id, limit: 3 });
    const rest = await keys.list({ userId: owner.id, limit: 3, after: first[2]!.id });
    expect([...first, ...rest].map(({ id }) => id)).toEqual(sorted);
    const named = await keys.list({ userId: owner.id, name: 'a', limit: 1 });
    expect(named.map(({ id }) => id)).toEqual(sorted.slice(1, 2));
    expect(await keys.list({ userId: owner.id, name: 'c', limit: 10 })).toEqual([]);
    const upper = await keys.list({
      userId: owner.id.toUpperCase(),
      after: first[2]!.id.toUpperCase(),
      limit: 3,
    });
    expect(upper).toEqual(rest);
    for (const nothing of [{ after: 'no uuid' }, { after: randomUUID() }, { userId: 'no uuid' }])
      expect(await keys.list({ ...nothing, limit: 3 })).toEqual([]);
    const config = await keys.list({ source: 'config', limit: 100 });
    expect(config.map(({ source }) => source)).toEqual(['config']);
  });

  it('changes what it is told: rotation, expiry, quota, and back to none', async () => {
    const { keys } = subject().store;
    const before = key();
    await keys.insert(before);
    const change = {
      sha256: 'cd'.repeat(32),
      prefix: 'newnewne',
      previousSha256: before.sha256,
      previousUntil: noon + 1000,
      enabled: false,
      expiresAt: noon + 5,
      quota: { unit: 'requests', limit: 5, period: 'day', warnAt: [] },
    } as const;
    await keys.update(before.id, { ...change, quota: { ...change.quota, warnAt: [] } });
    expect(await keys.get(before.id)).toEqual({ ...before, ...change });
    const none = { previousSha256: null, previousUntil: null, expiresAt: null, quota: null };
    await keys.update(before.id, none);
    expect(await keys.get(before.id)).toEqual({ ...before, ...change, ...none });
  });

  it('replaces overrides as a whole', async () => {
    const { keys } = subject().store;
    const before = key({ overrides: [{ method: 'a', requests: 1, periodMs: 1, burstSize: 1 }] });
    await keys.insert(before);
    const overrides = [
      { method: 'a', requests: 2, periodMs: 1, burstSize: 0 },
      { method: 'b', requests: 3, periodMs: 60_000, burstSize: 0 },
    ];
    await keys.setOverrides(before.id, overrides);
    expect(await keys.get(before.id)).toEqual({ ...before, overrides });
    const twice = [overrides[0]!, overrides[0]!];
    await expect(keys.setOverrides(before.id, twice)).rejects.toMatchObject({ code: 'conflict' });
    expect(await keys.get(before.id), 'all or nothing').toEqual({ ...before, overrides });
    await keys.setOverrides(before.id, []);
    expect(await keys.get(before.id)).toEqual({ ...before, overrides: [] });
  });

  it('goes with its user when SQL deletes that', async () => {
    const { store, sql } = subject();
    const owner = user();
    await store.users.insert(owner);
    const gone = key({
      userId: owner.id,
      overrides: [{ method: '*', requests: 1, periodMs: 1, burstSize: 0 }],
    });
    await store.keys.insert(gone);
    await sql(`delete from users where id = '${owner.id}'`);
    expect(await store.keys.get(gone.id)).toBeNull();
    await store.keys.insert({ ...gone, userId: null, overrides: [] });
    expect(await store.keys.get(gone.id)).toMatchObject({ overrides: [] });
  });
}
