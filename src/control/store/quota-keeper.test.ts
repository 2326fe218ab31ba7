import { describe, expect, it } from 'vitest';
import { type QuotaPolicy, storedName } from '../../config/index.ts';
import { quotaPeriod } from '../../limits/index.ts';
import { goneId, id, quota, startMain, usageOf, use, withQuotas, world } from '../testing/quotas.ts';

withQuotas();

const cost: QuotaPolicy = { ...quota, unit: 'cost' };
const day: QuotaPolicy = { ...quota, period: 'day' };

describe('quotas of the ledger', () => {
  it('begin where earlier runs ended, in the quota’s unit', async () => {
    await use(world.store, 'earlier', 7);
    for (const [policy, used] of [
      [quota, 7],
      [cost, 70],
    ] as const) {
      const main = startMain(policy);
      await main.keeper.sync('all');
      expect(main.used()).toBe(used);
    }
  });

  it('give way neither to what was saved nor to what was counted before the ledger could be read', async () => {
    await use(world.store, 'earlier', 7);
    const main = startMain();
    main.count(9);
    main.keeper.restored();
    main.count(5);
    await main.keeper.sync('all');
    expect(main.used()).toBe(12);
    await main.apply(5);
    await main.keeper.sync('all');
    expect(main.used()).toBe(12);
  });

  it('are raised only while journals of earlier runs wait for the ledger, and true once they are in it', async () => {
    const main = startMain();
    main.count(9);
    main.keeper.restored();
    main.keeper.lacks(true);
    await use(world.store, 'earlier', 2);
    await main.keeper.sync('all');
    expect(main.used()).toBe(9);
    await use(world.store, 'other', 20);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(22);
    await use(world.store, 'earlier', 6);
    main.keeper.lacks(false);
    await main.keeper.sync('all');
    expect(main.used()).toBe(28);
  });

  it('add what other instances used, once, however own usage comes into the ledger meanwhile', async () => {
    const main = startMain();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(4);
    await use(world.store, 'other', 20);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(30);
    await main.apply(6);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(30);
    await use(world.store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(31);
  });

  it('stay true when the store’s thread is replaced and has forgotten what was this run’s', async () => {
    await use(world.store, 'earlier', 100);
    const main = startMain();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    main.replaceThread();
    await use(world.store, 'other', 5);
    await main.keeper.sync('all');
    expect(main.used()).toBe(115);
    main.count(3);
    await main.apply(3);
    await use(world.store, 'other', 2);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(120);
  });

  it.each([0, 1])(
    'lose nothing that others used while the database was away, with calls of ours that wait in the journals: %i threads died before',
    async (deaths) => {
      await use(world.store, 'other', 100);
      const main = startMain();
      await main.keeper.sync('all');
      main.count(50);
      await main.apply(50);
      if (deaths > 0) main.replaceThread();
      await main.keeper.sync('all');
      await use(world.store, 'other', 30);
      main.count(40);
      main.comesBack();
      await main.keeper.sync('all');
      await main.apply(40);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(220);
    },
  );

  it('are those of the ledger for a key that gets a quota, or another unit of it, while all runs', async () => {
    const main = startMain();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    await use(world.store, 'other', 5);
    main.keeper.own({ slot: 3, name: storedName(id), quota: cost });
    expect(main.used(cost)).toBe(0);
    await main.keeper.syncNew();
    expect(main.used(cost)).toBe(150);
    await use(world.store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used(cost)).toBe(160);
  });

  it.each(['tried again', 'asked for use before that'])(
    'take no own usage for another’s where a commit’s answer was lost: %s',
    async (order) => {
      const main = startMain();
      await main.keeper.sync('all');
      main.count(10);
      const again = await main.applyUnanswered(10);
      if (order === 'tried again') expect(await again()).toBe(false);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(10);
      expect(await again()).toBe(false);
      await main.keeper.sync('changed');
      await use(world.store, 'other', 5);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(15);
    },
  );

  it('count a batch once that was refused before it was applied', async () => {
    const main = startMain();
    await main.keeper.sync('all');
    main.count(10);
    const again = await main.applyUnanswered(10, 'not applied');
    await main.keeper.sync('changed');
    expect(await again()).toBe(true);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(10);
  });

  it.each([
    ['a leap day into March', day],
    ['a month’s end', quota],
  ])('begin anew at %s, and count what comes late where it belongs', async (_, policy) => {
    const main = startMain(policy);
    await main.keeper.sync('all');
    main.count(10);
    await use(world.store, 'other', 5);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(15);
    const before = world.now;
    world.now = Date.UTC(2028, 2, 1, 0, 1);
    expect(main.used()).toBe(0);
    await use(world.store, 'other', 50, before);
    await main.apply(10);
    await use(world.store, 'other', 2);
    main.count(1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(3);
  });

  it.each(['all', 'changed', 'new'] as const)(
    'carry nothing of the day before into the new one, where midnight passes under a query of %s',
    async (of) => {
      const main = startMain(day);
      await main.keeper.sync('all');
      await use(world.store, 'other', 7);
      if (of === 'new') main.keeper.own({ slot: 3, name: storedName(id), quota: day });
      let read = false;
      world.underWay = () => {
        if (read) return;
        read = true;
        world.now = Date.UTC(2028, 2, 1, 0, 0, 1);
        main.count(1);
      };
      await (of === 'new' ? main.keeper.syncNew() : main.keeper.sync(of));
      expect(main.used()).toBe(1);
      // As much as the day before, to the call.
      await use(world.store, 'other', 7);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(8);
    },
  );

  it('are read of a key that gets one while the others are being read', async () => {
    await use(world.store, 'earlier', 7);
    const main = startMain();
    await main.keeper.sync('all');
    await world.store.apply(usageOf('earlier', 5, world.now, goneId));
    main.owners.set(6, storedName(goneId));
    world.underWay = () => {
      world.underWay = () => {};
      main.keeper.own({ slot: 6, name: storedName(goneId), quota });
    };
    await main.keeper.sync('all');
    await main.keeper.syncNew();
    expect(main.buckets.readQuota(6, quotaPeriod('month', world.now).id)).toBe(5);
  });

  it('tell of what others used in a new month though it is as much as in the last', async () => {
    world.now = Date.UTC(2028, 1, 1);
    const main = startMain();
    await main.keeper.sync('all');
    await use(world.store, 'other', 7);
    await main.keeper.sync('changed');
    world.now = Date.UTC(2028, 2, 1);
    await use(world.store, 'other', 7);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(7);
  });

  it('neither begin anew nor count twice when the clock is set back two hours over midnight', async () => {
    world.now = Date.UTC(2028, 2, 1, 0, 30);
    const main = startMain(day);
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    await use(world.store, 'other', 5);
    await main.keeper.sync('changed');
    const held = quotaPeriod('day', world.now).id;
    world.now -= 2 * 3_600_000;
    await main.keeper.sync('changed');
    expect(main.buckets.readQuota(3, held)).toBe(15);
    expect(main.used()).toBe(15);
  });
});
