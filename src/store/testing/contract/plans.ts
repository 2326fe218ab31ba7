import { expect, it } from 'vitest';
import { noon, plan, type Subject, user } from '../subject.ts';

export function describePlans(subject: () => Subject): void {
  it('puts, replaces, lists by name and deletes, money to the last unit', async () => {
    const { plans } = subject().store;
    const gold = plan({
      name: 'gold',
      monthlyFee: 9_223_372_036_854_775_807n,
      includedUnits: 9_007_199_254_740_993n,
      price: -1n,
      pricePer: 1_000_000n,
      limits: [{ method: 'group:read', requests: 5, periodMs: 1000, burstSize: 2 }],
      quota: { unit: 'cost', limit: 7, period: 'day', warnAt: [50] },
      userQuota: { unit: 'requests', limit: 70, period: 'month', warnAt: [] },
    });
    await plans.put(gold);
    await plans.put(plan({ name: 'Basic' }));
    expect(await plans.get('gold')).toEqual(gold);
    expect((await plans.list()).map(({ name }) => name)).toEqual(['Basic', 'gold']);

    const changed = {
      ...gold,
      currency: 'JPY',
      quota: null,
      userQuota: null,
      limits: [],
      updatedAt: noon + 9,
    };
    await plans.put({ ...changed, createdAt: noon + 9 });
    expect(await plans.get('gold'), 'as old as it was').toEqual(changed);
    expect(await plans.delete('gold')).toBe(true);
    expect(await plans.delete('gold')).toBe(false);
    expect(await plans.get('gold')).toBeNull();
  });

  it('keeps what a plan cost from when on, also where the clock goes back, and once it is deleted', async () => {
    const { plans } = subject().store;
    const made = plan({ price: 9_223_372_036_854_775_807n, updatedAt: noon });
    const { name } = made;
    const priceBefore = async (end: number) => (await plans.termsBefore(name, end))?.price;
    await plans.put(made);
    await plans.put({ ...made, price: 2n, updatedAt: noon + 1000 });
    const { currency, monthlyFee, includedUnits, price, pricePer } = made;
    const first = { name, currency, monthlyFee, includedUnits, price, pricePer };
    expect(await plans.termsBefore(name, noon + 1), 'the moment before').toEqual(first);
    expect(await plans.termsBefore(name, noon + 1000)).toEqual(first);
    expect(await plans.termsBefore(name, noon - 5), 'before it was made: as it was at first').toEqual(first);
    expect(await priceBefore(noon + 1001)).toBe(2n);
    await plans.put({ ...made, price: 3n, updatedAt: noon + 500 });
    expect([await priceBefore(noon + 1000), await priceBefore(noon + 1001)]).toEqual([price, 3n]);
    await plans.delete(name);
    expect(await priceBefore(noon + 5000)).toBe(3n);
    expect(await plans.termsBefore('there never was one', noon)).toBeNull();
  });

  it('counts the users of a tier that are not deleted', async () => {
    const { users, plans } = subject().store;
    await users.insert(user({ tier: 'silver' }));
    await users.insert(user({ tier: 'silver' }));
    await users.insert(user({ tier: 'silver', deletedAt: noon }));
    expect(await plans.users('silver')).toBe(2);
    expect(await plans.users('Silver')).toBe(0);
  });

  it('refuses money beyond 64 bits and a price per nothing', async () => {
    const { plans } = subject().store;
    await expect(plans.put(plan({ price: 2n ** 63n }))).rejects.toMatchObject({ code: 'invalid' });
    await expect(plans.put(plan({ pricePer: 0n }))).rejects.toMatchObject({ code: 'invalid' });
  });
}
