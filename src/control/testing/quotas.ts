import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type QuotaPolicy, storedName } from '../../config/index.ts';
import { createBuckets, createLimitsMemory, quotaPeriod } from '../../limits/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { batch, row } from '../../store/testing/usage-samples.ts';
import { createOwnUsage, type OwnUsage } from '../store/own-usage.ts';
import { createQuotaKeeper } from '../store/quota-keeper.ts';

export const id = '11111111-2222-4333-8444-555555555555';
export const userId = '99999999-2222-4333-8444-555555555555';
export const goneId = '22222222-2222-4333-8444-555555555555';
export const userName = `user:${userId}/requests/month`;
export const quota: QuotaPolicy = { unit: 'requests', limit: 100, period: 'month', warnAt: [] };

/** A ledger of a test's own, and its clock. */
export const world = {
  store: undefined as unknown as Store,
  now: 0,
  /** Runs as an answer is on its way to main. */
  underWay: () => {},
};

/** To be called once in a file of tests. */
export function withQuotas(): void {
  let folder = '';
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'polymorph-quota-'));
    world.now = Date.UTC(2028, 1, 29, 23, 58);
    world.store = await openStore({ kind: 'sqlite', folder, now: () => world.now });
  });
  afterEach(async () => {
    world.underWay = () => {};
    await world.store.close();
    rmSync(folder, { recursive: true });
  });
}

let segments = 0;

/** A piece of a run's journal: so many calls, each of cost 10. */
export const usageOf = (run: string, calls: number, at = world.now, keyId = id) => {
  const minute = Math.floor(at / 60_000) * 60_000;
  const rows = [row({ keyId, minute, calls, cost: calls * 10, status: 0 })];
  return batch({ segment: `${run}-0-0-${segments++}`, from: 0, to: 10, rows, lastUsed: new Map() });
};

/** Usage that came into the ledger from a run. */
export const use = (
  usage: Pick<Store, 'apply'>,
  run: string,
  calls: number,
  at = world.now,
): Promise<boolean> => usage.apply(usageOf(run, calls, at));

/** Main's side of one process, and its store thread's: slot 3 is counted for `name`, slot 5 may be for the user. */
export function startMain(policy: QuotaPolicy = quota, name = storedName(id)) {
  const buckets = createBuckets(
    createLimitsMemory({ entries: 1024, quotaSlots: 8, seed: new Uint32Array(4) }),
    0,
  );
  let answers: 'come' | 'are lost' | 'not applied' = 'come';
  const apply: Store['apply'] = async (one) => {
    const applied = answers !== 'not applied' && (await world.store.apply(one));
    if (answers !== 'come') throw new Error('connection reset');
    return applied;
  };
  const through: Parameters<typeof createOwnUsage>[0] = {
    apply,
    segments: (names) => world.store.segments(names),
    quotaUse: (starts, filter) => world.store.quotaUse(starts, filter),
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
      world.underWay();
      return answer;
    },
    wallMs: () => world.now,
  });
  keeper.own({ slot: 3, name, quota: policy });
  const periodOf = ({ period }: QuotaPolicy) => quotaPeriod(period, world.now).id;
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
