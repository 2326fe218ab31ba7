import { expect, it } from 'vitest';
import { key, type Subject, user } from '../subject.ts';
import { batch, row } from '../usage-samples.ts';

export function describeTransactions(subject: () => Subject): void {
  it('does all, and gives back what the work gave', async () => {
    const { store } = subject();
    const owner = user();
    const made = key({ userId: owner.id });
    const result = await store.transaction(async ({ users, keys }) => {
      await users.insert(owner);
      await keys.insert(made);
      return (await keys.find(made.name)).length;
    });
    expect(result).toBe(1);
    expect(await store.keys.get(made.id)).toEqual(made);
  });

  it('does nothing where the work throws, and throws the same', async () => {
    const { store } = subject();
    const owner = user();
    const why = new Error('changed my mind');
    await expect(
      store.transaction(async ({ users }) => {
        await users.insert(owner);
        throw why;
      }),
    ).rejects.toBe(why);
    expect(await store.users.find(owner.id)).toBeNull();
  });

  it('does nothing where a statement fails', async () => {
    const { store } = subject();
    const owner = user();
    const twice = store.transaction(async ({ users }) => {
      await users.insert(owner);
      await users.insert(owner);
    });
    await expect(twice).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.users.find(owner.id)).toBeNull();
  });

  it('takes nothing in or out that was asked meanwhile by others', async () => {
    const { store } = subject();
    const [inside, outside, used] = [user(), user(), key()];
    await store.keys.insert(used);
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const rolledBack = store.transaction(async ({ users }) => {
      await users.insert(inside);
      begin();
      await over;
      throw new Error('rolled back');
    });
    await begun;
    const others = [
      store.users.insert(outside),
      store.apply(batch({ rows: [row({ keyId: used.id })] })),
      store.ping(),
    ];
    setTimeout(end, 30);
    await expect(rolledBack).rejects.toThrow('rolled back');
    await Promise.all(others);
    expect(await store.users.find(inside.id)).toBeNull();
    expect(await store.users.find(outside.id)).toEqual(outside);
    expect(await store.usage({ keyIds: [used.id] }, [])).toMatchObject([{ calls: 1 }]);
  });

  it('runs hundreds at once', async () => {
    const { store } = subject();
    const many = Array.from({ length: 200 }, () => user({ tier: 'crowd' }));
    await Promise.all(many.map((one) => store.transaction(({ users }) => users.insert(one))));
    expect(await store.plans.users('crowd')).toBe(200);
  });
}
