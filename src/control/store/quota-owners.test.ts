import { beforeEach, describe, expect, it } from 'vitest';
import { storedName } from '../../config/index.ts';
import { createBuckets, createLimitsMemory, quotaPeriod } from '../../limits/index.ts';
import type { Store } from '../../store/index.ts';
import { key, user } from '../../store/testing/subject.ts';
import type { SubjectUse } from './messages.ts';
import { createQuotaKeeper } from './quota-keeper.ts';
import {
  goneId,
  id,
  quota,
  startMain,
  usageOf,
  use,
  userId,
  userName,
  withQuotas,
  world,
} from '../testing/quotas.ts';

withQuotas();

describe('quotas of very many keys', () => {
  it('are those of the later reading, where an earlier one is still being taken over', async () => {
    const slots = 2500;
    const buckets = createBuckets(
      createLimitsMemory({ entries: 1024, quotaSlots: slots, seed: new Uint32Array(4) }),
      0,
    );
    const ids = Array.from({ length: slots }, (_, slot) => `${String(slot).padStart(8, '0')}${id.slice(8)}`);
    let requests = 5;
    const read: SubjectUse[] = [];
    const keeper = createQuotaKeeper({
      buckets,
      ownerOf: (slot) => storedName(ids[slot]!),
      async use({ nowMs, of: asked }) {
        const none = { requests: 0, cost: 0 };
        const some = asked === 'all' ? ids : ids.slice(-1);
        const uses = some.map((of) => ({
          id: of,
          day: none,
          month: { requests, cost: 0 },
          ownDay: none,
          ownMonth: none,
        }));
        read.push(...uses);
        return { starts: { day: nowMs, month: nowMs }, uses };
      },
      wallMs: () => world.now,
    });
    for (const [slot, of] of ids.entries()) keeper.own({ slot, name: storedName(of), quota });
    const earlier = keeper.sync('all');
    while (read.length === 0) await Promise.resolve();
    requests = 7;
    await Promise.all([earlier, keeper.sync('changed')]);
    const period = quotaPeriod('month', world.now).id;
    expect([0, slots - 1].map((slot) => buckets.readQuota(slot, period))).toEqual([5, 7]);
  });
});

describe('quotas of users', () => {
  const useGone = (usage: Pick<Store, 'apply'>, run: string, calls: number) =>
    usage.apply(usageOf(run, calls, world.now, goneId));

  beforeEach(async () => {
    await world.store.users.insert(user({ id: userId }));
    await world.store.keys.insert(key({ id, userId }));
    await world.store.keys.insert(key({ id: goneId, userId, deletedAt: world.now }));
  });

  it('begin with what all keys of the user have used, deleted ones too, and go on with what other instances did', async () => {
    await use(world.store, 'earlier', 7);
    await useGone(world.store, 'earlier', 5);
    await world.store.apply(usageOf('earlier', 100, world.now, '33333333-2222-4333-8444-555555555555'));
    const main = startMain(quota, userName);
    await main.keeper.sync('all');
    expect(main.used()).toBe(12);
    main.count(3);
    await main.apply(3);
    await main.keeper.sync('changed');
    expect(main.used(), 'its own are counted already').toBe(15);
    await use(world.store, 'other', 10);
    await useGone(world.store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(26);
  });

  it('are read by themselves once there is one, with all keys of the user', async () => {
    await use(world.store, 'earlier', 7);
    await useGone(world.store, 'earlier', 5);
    const main = startMain();
    await main.keeper.sync('all');
    main.keeper.own({ slot: 5, name: userName, quota });
    await main.keeper.syncNew();
    const period = quotaPeriod('month', world.now).id;
    expect([main.buckets.readQuota(3, period), main.buckets.readQuota(5, period)]).toEqual([7, 12]);
  });

  it('are neither reset nor inflated by a store thread that begins anew', async () => {
    await useGone(world.store, 'earlier', 5);
    const main = startMain(quota, userName);
    await main.keeper.sync('all');
    main.count(4);
    await main.apply(4);
    main.replaceThread();
    await main.keeper.sync('all');
    await use(world.store, 'other', 2);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(11);
  });
});
