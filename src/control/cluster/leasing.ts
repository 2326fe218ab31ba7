import type { FromWorker, ToWorker } from '../../gateway/index.ts';
import {
  type BucketNeed,
  type BucketShape,
  createLeaseKeeper,
  type LeaseMemory,
  type LeaseStore,
  type LeaseTable,
  openLeaseState,
  type QuotaNeed,
} from '../../limits/index.ts';

type WorkerNeeds = Extract<FromWorker, { type: 'leases' }>['needs'];

/** Leases of all workers' buckets. */
export interface Leasing {
  /** What a worker needs; it is told when all that can be had is there. */
  hear(slot: number, needs: WorkerNeeds): void;
  /** Buckets of which this instance holds something. */
  readonly held: number;
  /** Gives all back, once the workers have ended. Resolves when Redis has answered, or nobody does. */
  close(): Promise<void>;
}

export interface LeasingOptions {
  memory: LeaseMemory;
  table: LeaseTable;
  store: LeaseStore;
  shapeOf(version: number): BucketShape | undefined;
  /** Resolves when all that can be had of these is there. */
  needQuotas(needs: readonly QuotaNeed[]): Promise<void>;
  post(slot: number, message: Extract<ToWorker, { type: 'leased' }>): void;
  nowMicros(): number;
}

/** An instance that dies keeps what it held from the others for so long. */
const TTL_MS = 10_000;
const TICK_MS = 20;

export function createLeasing(options: LeasingOptions): Leasing {
  const state = openLeaseState(options.memory);
  const keeper = createLeaseKeeper({
    ...{ store: options.store, table: options.table, shapeOf: options.shapeOf, nowMicros: options.nowMicros },
    instances: () => state.instances,
    away: () => state.away,
    ttlMs: TTL_MS,
  });
  const ticking = setInterval(keeper.tick, TICK_MS).unref();
  /** Needs seen to, by worker: told together. */
  const seen = new Map<number, number[]>();

  function tell(): void {
    for (const [slot, needs] of seen) options.post(slot, { type: 'leased', needs });
    seen.clear();
  }

  function done(slot: number, waiting: number): void {
    if (waiting === 0) return;
    // All of one answer of the store are told by then.
    if (seen.size === 0) setImmediate(tell);
    const needs = seen.get(slot);
    if (needs === undefined) seen.set(slot, [waiting]);
    else needs.push(waiting);
  }

  async function lendQuotas(slot: number, quotas: QuotaNeed[], waiters: number[]): Promise<void> {
    try {
      await options.needQuotas(quotas);
    } catch {
      // Nothing was granted, and whoever waits goes by the share.
    }
    for (const waiting of waiters) done(slot, waiting);
  }

  return {
    hear(slot, needs) {
      const quotas: QuotaNeed[] = [];
      const waiters: number[] = [];
      for (const { waiting, need } of needs) {
        if (isBucket(need)) keeper.need(need, () => done(slot, waiting));
        else {
          quotas.push(need);
          waiters.push(waiting);
        }
      }
      if (quotas.length > 0) void lendQuotas(slot, quotas, waiters);
    },
    get held() {
      return keeper.size;
    },
    close() {
      clearInterval(ticking);
      return keeper.leave();
    },
  };
}

function isBucket(need: BucketNeed | QuotaNeed): need is BucketNeed {
  return 'version' in need;
}
