import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { noon, type Subject, user } from '../subject.ts';

export function describeUsers(subject: () => Subject): void {
  it('finds a user by id, or by e-mail whatever its case', async () => {
    const { users } = subject().store;
    const ada = user({ email: `Ada.${randomUUID()}@Example.com`, name: 'Ada Łovelace 🧮', tier: 'pro' });
    await users.insert(ada);
    expect(await users.find(ada.id)).toEqual(ada);
    expect(await users.find(ada.id.toUpperCase())).toEqual(ada);
    expect(await users.find(ada.email.toUpperCase())).toEqual(ada);
    expect(await users.find('nobody@example.com')).toBeNull();
    expect(await users.find(randomUUID())).toBeNull();
  });

  it('names many at once, deleted ones too', async () => {
    const { users } = subject().store;
    const many = Array.from({ length: 1002 }, (_, nth) => user(nth === 0 ? { deletedAt: noon } : {}));
    for (const each of [many[0]!, many[1]!, many[1001]!]) await users.insert(each);
    const named = await users.names(many.map(({ id }) => id));
    const shown = [0, 1, 1001].map((nth) => many[nth]!);
    expect(named).toEqual(new Map(shown.map(({ id, email, name }) => [id, { email, name }])));
    expect(await users.names([])).toEqual(new Map());
  });

  it('finds an e-mail of other letters as it was written, the ASCII ones in any case', async () => {
    const { users } = subject().store;
    const id = randomUUID();
    const [upper, lower] = [user({ email: `ÜÉ.${id}@Example.com` }), user({ email: `üé.${id}@example.com` })];
    await users.insert(upper);
    await users.insert(lower);
    expect(await users.find(upper.email)).toEqual(upper);
    expect(await users.find(`ÜÉ.${id}@EXAMPLE.com`)).toEqual(upper);
    expect(await users.find(lower.email)).toEqual(lower);
  });

  it('refuses an e-mail that another has, but not that of a deleted one', async () => {
    const { users } = subject().store;
    const first = user();
    await users.insert(first);
    const second = user({ email: first.email.toUpperCase() });
    await expect(users.insert(second)).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });

    await users.update(first.id, { deletedAt: noon + 5, updatedAt: noon + 5 });
    await users.insert(second);
    expect(await users.find(first.email)).toEqual(second);
    expect(await users.find(first.id)).toEqual({ ...first, deletedAt: noon + 5, updatedAt: noon + 5 });
    await expect(users.update(first.id, { deletedAt: null })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('changes what it is told and nothing else', async () => {
    const { users } = subject().store;
    const before = user();
    await users.insert(before);
    await users.update(before.id, { name: 'Grace', tier: 'gold', updatedAt: noon + 1 });
    expect(await users.find(before.id)).toEqual({
      ...before,
      name: 'Grace',
      tier: 'gold',
      updatedAt: noon + 1,
    });
    const quota = {
      unit: 'cost' as const,
      limit: 9_007_199_254_740_991,
      period: 'day' as const,
      warnAt: [80],
    };
    await users.update(before.id, { quota });
    expect(await users.find(before.id)).toMatchObject({ quota, name: 'Grace' });
    await users.update(before.id, { quota: null });
    expect(await users.find(before.id)).toMatchObject({ quota: null });
    await users.update(before.id, {});
    await users.update(randomUUID(), { name: 'nobody' });
    expect(await users.find(before.id)).toMatchObject({ name: 'Grace' });
  });

  it('keeps which tier a user had from when on, and nothing of a change that was undone', async () => {
    const { store } = subject();
    const ada = user({ tier: 'free' });
    await store.users.insert(ada);
    await store.users.update(ada.id, { tier: 'pro', updatedAt: noon + 10 });
    await store.users.update(ada.id, { name: 'Grace', updatedAt: noon + 20 });
    await expect(
      store.transaction(async (tables) => {
        await tables.users.update(ada.id, { tier: 'gold', updatedAt: noon + 30 });
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    const ends = [noon - 5, noon + 10, noon + 11, noon + 100];
    const tiers = await Promise.all(ends.map((end) => store.users.tierBefore(ada.id, end)));
    expect(tiers).toEqual(['free', 'free', 'pro', 'pro']);
    expect(await store.users.tierBefore(randomUUID(), noon)).toBeNull();
  });

  it('refuses what is too long', async () => {
    const { users } = subject().store;
    await expect(users.insert(user({ name: 'x'.repeat(256) }))).rejects.toMatchObject({ code: 'invalid' });
    await expect(users.insert(user({ tier: 'x'.repeat(51) }))).rejects.toMatchObject({ code: 'invalid' });
    await users.insert(user({ name: '🧮'.repeat(255) }));
  });

  it('lists those that are not deleted, page by page, by e-mail', async () => {
    const { users } = subject().store;
    const mark = randomUUID();
    const names = ['zoe', 'Bob', 'ärger', 'al', '_x'];
    for (const name of names) await users.insert(user({ email: `${mark}-${name}@example.com` }));
    await users.insert(user({ email: `${mark}-gone@example.com`, deletedAt: noon }));

    const found: string[] = [];
    for (let after: string | undefined = mark; ; ) {
      const page = await users.list({ after, limit: 2 });
      found.push(...page.map(({ email }) => email));
      after = page.at(-1)?.email;
      if (after === undefined) break;
    }
    const ours = found.filter((email) => email.startsWith(mark));
    // By bytes, as both databases keep them.
    expect(ours).toEqual(['Bob', '_x', 'al', 'zoe', 'ärger'].map((name) => `${mark}-${name}@example.com`));
    expect(found).toEqual([...new Set(found)]);
  });
}
