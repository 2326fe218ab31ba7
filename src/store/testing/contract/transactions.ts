import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { key, plan, type Subject, user } from '../subject.ts';
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

  /** Resolves once `parties` have come, or soon: a store that lets one in after the other never sees both. */
  const meeting = (parties: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return async () => {
      if (--parties === 0) resolve();
      const late = setTimeout(resolve, 100);
      await promise;
      clearTimeout(late);
    };
  };

  it('loses no change where two read the same and write what follows from it', async () => {
    const { store, another } = subject();
    const stores = [store, (await another?.()) ?? store];
    const before = plan();
    await store.plans.put(before);
    const bothHaveRead = meeting(2);
    await Promise.all(
      stores.map((one, nth) =>
        one.transaction(async ({ plans }) => {
          const found = (await plans.get(before.name))!;
          await bothHaveRead();
          const limit = { method: `m${nth}`, requests: 1, periodMs: 1000, burstSize: 0 };
          await plans.put({ ...found, limits: [...found.limits, limit] });
        }),
      ),
    );
    const methods = (await store.plans.get(before.name))?.limits.map(({ method }) => method);
    expect(methods?.toSorted()).toEqual(['m0', 'm1']);
    if (stores[1] !== store) await stores[1]!.close();
  });

  it('lets one of two in where each goes by what is not there yet', async () => {
    const { store, another } = subject();
    const stores = [store, (await another?.()) ?? store];
    const tier = `tier-${randomUUID().slice(0, 8)}`;
    const bothHaveRead = meeting(2);
    const made = await Promise.all(
      stores.map((one) =>
        one.transaction(async ({ users, plans }) => {
          const free = (await plans.users(tier)) === 0;
          await bothHaveRead();
          if (free) await users.insert(user({ tier }));
          return free;
        }),
      ),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await store.plans.users(tier)).toBe(1);
    if (stores[1] !== store) await stores[1]!.close();
  });

  it('gets through where many of several instances change the same', async () => {
    const { store, another } = subject();
    const stores = [store, (await another?.()) ?? store, (await another?.()) ?? store];
    const before = plan({ price: 0n });
    await store.plans.put(before);
    const one = (nth: number) =>
      stores[nth % 3]!.transaction(async ({ plans }) => {
        const found = (await plans.get(before.name))!;
        await plans.put({ ...found, price: found.price + 1n });
      });
    await Promise.all(Array.from({ length: 60 }, (_, nth) => one(nth)));
    expect((await store.plans.get(before.name))?.price).toBe(60n);
    for (const other of new Set(stores.slice(1))) if (other !== store) await other.close();
  });

  it('runs hundreds at once', async () => {
    const { store } = subject();
    const many = Array.from({ length: 200 }, () => user({ tier: 'crowd' }));
    await Promise.all(many.map((one) => store.transaction(({ users }) => users.insert(one))));
    expect(await store.plans.users('crowd')).toBe(200);
  });
}
