import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QuotaPolicy } from '../../config/index.ts';
import { storedName } from '../../config/index.ts';
import { createBuckets, createLimitsMemory, quotaPeriod } from '../../limits/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { key, user } from '../../store/testing/subject.ts';
import { batch, row } from '../../store/testing/usage-samples.ts';
import { createOwnUsage, type OwnUsage } from './own-usage.ts';
import type { SubjectUse } from './messages.ts';
import { createQuotaKeeper } from './quota-keeper.ts';

const id = '11111111-2222-4333-8444-555555555555';
const [userId, goneId] = ['99999999-2222-4333-8444-555555555555', '22222222-2222-4333-8444-555555555555'];
const userName = `user:${userId}/requests/month`;
const quota: QuotaPolicy = { unit: 'requests', limit: 100, period: 'month', warnAt: [] };
const cost: QuotaPolicy = { ...quota, unit: 'cost' };
const day: QuotaPolicy = { ...quota, period: 'day' };

let folder = '';
let store: Store;
let now = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-quota-'));
  now = Date.UTC(2028, 1, 29, 23, 58);
  store = await openStore({ kind: 'sqlite', folder, now: () => now });
});
afterEach(async () => {
  underWay = () => {};
  await store.close();
  rmSync(folder, { recursive: true });
});

let segments = 0;
/** Runs as an answer is on its way to main. */
let underWay = () => {};

const usageOf = (run: string, calls: number, at = now, keyId = id) => {
  const minute = Math.floor(at / 60_000) * 60_000;
  const rows = [row({ keyId, minute, calls, cost: calls * 10, status: 0 })];
  return batch({ segment: `${run}-0-0-${segments++}`, from: 0, to: 10, rows, lastUsed: new Map() });
};

/** Usage that came into the ledger from a run. */
const use = (usage: Pick<Store, 'apply'>, run: string, calls: number, at = now): Promise<boolean> =>
  usage.apply(usageOf(run, calls, at));

/** Main's side of one process, and its store thread's. */
function start(policy: QuotaPolicy = quota, name = storedName(id)) {
  const buckets = createBuckets(
    createLimitsMemory({ entries: 1024, quotaSlots: 8, seed: new Uint32Array(4) }),
    0,
  );
  let answers: 'come' | 'are lost' | 'not applied' = 'come';
  const apply: Store['apply'] = async (one) => {
    const applied = answers !== 'not applied' && (await store.apply(one));
    if (answers !== 'come') throw new Error('connection reset');
    return applied;
  };
  const through: Parameters<typeof createOwnUsage>[0] = {
    apply,
    segments: (names) => store.segments(names),
    quotaUse: (starts, filter) => store.quotaUse(starts, filter),
  };
  const threadOf = () => createOwnUsage(through, (segment) => segment.startsWith('own-'));
  let thread: OwnUsage = threadOf();
  let replaced = 0;
  const owners = new Map([
    [3, name],
    [5, userName],
  ]);
  const keeper = createQuotaKeeper({
    buckets,
    ownerOf: (slot) => owners.get(slot),
    async use(input) {
      const answer = await thread.use(input);
      underWay();
      return answer;
    },
    wallMs: () => now,
  });
  keeper.own({ slot: 3, name, quota: policy });
  const periodOf = ({ period }: QuotaPolicy) => quotaPeriod(period, now).id;
  return {
    keeper,
    buckets,
    owners,
    /** Calls that this process lets through: counted at once, in the ledger later. */
    count: (calls: number, of = policy) =>
      buckets.adjustQuota(3, periodOf(of), calls * (of.unit === 'cost' ? 10 : 1)),
    apply: (calls: number) => use(thread, 'own', calls),
    /** The connection breaks before the answer; returns how to try again. */
    async applyUnanswered(calls: number, how: typeof answers = 'are lost') {
      const one = usageOf('own', calls);
      answers = how;
      await expect(thread.apply(one)).rejects.toThrow('connection reset');
      answers = 'come';
      return () => thread.apply(one);
    },
    used: (of = policy) => buckets.readQuota(3, periodOf(of)),
    replaceThread() {
      thread = threadOf();
      replaced += 1;
      keeper.answeredBy(replaced);
    },
    /** The database was away, and the thread lived on. */
    comesBack: () => keeper.answeredBy(replaced),
  };
}

describe('quotas of the ledger', () => {
  it('begin where earlier runs ended, in the quota’s unit', async () => {
    await use(store, 'earlier', 7);
    for (const [policy, used] of [
      [quota, 7],
      [cost, 70],
    ] as const) {
      const main = start(policy);
      await main.keeper.sync('all');
      expect(main.used()).toBe(used);
    }
  });

  it('give way neither to what was saved nor to what was counted before the ledger could be read', async () => {
    await use(store, 'earlier', 7);
    const main = start();
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
    const main = start();
    main.count(9);
    main.keeper.restored();
    main.keeper.lacks(true);
    await use(store, 'earlier', 2);
    await main.keeper.sync('all');
    expect(main.used()).toBe(9);
    await use(store, 'other', 20);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(22);
    await use(store, 'earlier', 6);
    main.keeper.lacks(false);
    await main.keeper.sync('all');
    expect(main.used()).toBe(28);
  });

  it('add what other instances used, once, however own usage comes into the ledger meanwhile', async () => {
    const main = start();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(4);
    await use(store, 'other', 20);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(30);
    await main.apply(6);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(30);
    await use(store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(31);
  });

  it('stay true when the store’s thread is replaced and has forgotten what was this run’s', async () => {
    await use(store, 'earlier', 100);
    const main = start();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    main.replaceThread();
    await use(store, 'other', 5);
    await main.keeper.sync('all');
    expect(main.used()).toBe(115);
    main.count(3);
    await main.apply(3);
    await use(store, 'other', 2);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(120);
  });

  it.each([0, 1])(
    'lose nothing that others used while the database was away, with calls of ours that wait in the journals: %i threads died before',
    async (deaths) => {
      await use(store, 'other', 100);
      const main = start();
      await main.keeper.sync('all');
      main.count(50);
      await main.apply(50);
      if (deaths > 0) main.replaceThread();
      await main.keeper.sync('all');
      await use(store, 'other', 30);
      main.count(40);
      main.comesBack();
      await main.keeper.sync('all');
      await main.apply(40);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(220);
    },
  );

  it('are those of the ledger for a key that gets a quota, or another unit of it, while all runs', async () => {
    const main = start();
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    await use(store, 'other', 5);
    main.keeper.own({ slot: 3, name: storedName(id), quota: cost });
    expect(main.used(cost)).toBe(0);
    await main.keeper.syncNew();
    expect(main.used(cost)).toBe(150);
    await use(store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used(cost)).toBe(160);
  });

  it.each(['tried again', 'asked for use before that'])(
    'take no own usage for another’s where a commit’s answer was lost: %s',
    async (order) => {
      const main = start();
      await main.keeper.sync('all');
      main.count(10);
      const again = await main.applyUnanswered(10);
      if (order === 'tried again') expect(await again()).toBe(false);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(10);
      expect(await again()).toBe(false);
      await main.keeper.sync('changed');
      await use(store, 'other', 5);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(15);
    },
  );

  it('count a batch once that was refused before it was applied', async () => {
    const main = start();
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
    const main = start(policy);
    await main.keeper.sync('all');
    main.count(10);
    await use(store, 'other', 5);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(15);
    const before = now;
    now = Date.UTC(2028, 2, 1, 0, 1);
    expect(main.used()).toBe(0);
    await use(store, 'other', 50, before);
    await main.apply(10);
    await use(store, 'other', 2);
    main.count(1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(3);
  });

  it.each(['all', 'changed', 'new'] as const)(
    'carry nothing of the day before into the new one, where midnight passes under a query of %s',
    async (of) => {
      const main = start(day);
      await main.keeper.sync('all');
      await use(store, 'other', 7);
      if (of === 'new') main.keeper.own({ slot: 3, name: storedName(id), quota: day });
      let read = false;
      underWay = () => {
        if (read) return;
        read = true;
        now = Date.UTC(2028, 2, 1, 0, 0, 1);
        main.count(1);
      };
      await (of === 'new' ? main.keeper.syncNew() : main.keeper.sync(of));
      expect(main.used()).toBe(1);
      // As much as the day before, to the call.
      await use(store, 'other', 7);
      await main.keeper.sync('changed');
      expect(main.used()).toBe(8);
    },
  );

  it('are read of a key that gets one while the others are being read', async () => {
    await use(store, 'earlier', 7);
    const main = start();
    await main.keeper.sync('all');
    await store.apply(usageOf('earlier', 5, now, goneId));
    main.owners.set(6, storedName(goneId));
    underWay = () => {
      underWay = () => {};
      main.keeper.own({ slot: 6, name: storedName(goneId), quota });
    };
    await main.keeper.sync('all');
    await main.keeper.syncNew();
    expect(main.buckets.readQuota(6, quotaPeriod('month', now).id)).toBe(5);
  });

  it('tell of what others used in a new month though it is as much as in the last', async () => {
    now = Date.UTC(2028, 1, 1);
    const main = start();
    await main.keeper.sync('all');
    await use(store, 'other', 7);
    await main.keeper.sync('changed');
    now = Date.UTC(2028, 2, 1);
    await use(store, 'other', 7);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(7);
  });

  it('neither begin anew nor count twice when the clock is set back two hours over midnight', async () => {
    now = Date.UTC(2028, 2, 1, 0, 30);
    const main = start(day);
    await main.keeper.sync('all');
    main.count(10);
    await main.apply(10);
    await use(store, 'other', 5);
    await main.keeper.sync('changed');
    const held = quotaPeriod('day', now).id;
    now -= 2 * 3_600_000;
    await main.keeper.sync('changed');
    expect(main.buckets.readQuota(3, held)).toBe(15);
    expect(main.used()).toBe(15);
  });
});

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
      wallMs: () => now,
    });
    for (const [slot, of] of ids.entries()) keeper.own({ slot, name: storedName(of), quota });
    const earlier = keeper.sync('all');
    while (read.length === 0) await Promise.resolve();
    requests = 7;
    await Promise.all([earlier, keeper.sync('changed')]);
    const period = quotaPeriod('month', now).id;
    expect([0, slots - 1].map((slot) => buckets.readQuota(slot, period))).toEqual([5, 7]);
  });
});

describe('quotas of users', () => {
  const useGone = (usage: Pick<Store, 'apply'>, run: string, calls: number) =>
    usage.apply(usageOf(run, calls, now, goneId));

  beforeEach(async () => {
    await store.users.insert(user({ id: userId }));
    await store.keys.insert(key({ id, userId }));
    await store.keys.insert(key({ id: goneId, userId, deletedAt: now }));
  });

  it('begin with what all keys of the user have used, deleted ones too, and go on with what other instances did', async () => {
    await use(store, 'earlier', 7);
    await useGone(store, 'earlier', 5);
    await store.apply(usageOf('earlier', 100, now, '33333333-2222-4333-8444-555555555555'));
    const main = start(quota, userName);
    await main.keeper.sync('all');
    expect(main.used()).toBe(12);
    main.count(3);
    await main.apply(3);
    await main.keeper.sync('changed');
    expect(main.used(), 'its own are counted already').toBe(15);
    await use(store, 'other', 10);
    await useGone(store, 'other', 1);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(26);
  });

  it('are read by themselves once there is one, with all keys of the user', async () => {
    await use(store, 'earlier', 7);
    await useGone(store, 'earlier', 5);
    const main = start();
    await main.keeper.sync('all');
    main.keeper.own({ slot: 5, name: userName, quota });
    await main.keeper.syncNew();
    const period = quotaPeriod('month', now).id;
    expect([main.buckets.readQuota(3, period), main.buckets.readQuota(5, period)]).toEqual([7, 12]);
  });

  it('are neither reset nor inflated by a store thread that begins anew', async () => {
    await useGone(store, 'earlier', 5);
    const main = start(quota, userName);
    await main.keeper.sync('all');
    main.count(4);
    await main.apply(4);
    main.replaceThread();
    await main.keeper.sync('all');
    await use(store, 'other', 2);
    await main.keeper.sync('changed');
    expect(main.used()).toBe(11);
  });
});
