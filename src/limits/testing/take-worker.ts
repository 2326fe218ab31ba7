/** A thread that takes from shared buckets, started by the race tests. Counts what passed after each take. */
import { workerData } from 'node:worker_threads';
import { Chain, createBuckets } from '../index.ts';
import type { LimitsMemory } from '../index.ts';

export interface TakeWork {
  memory: LimitsMemory;
  owner: number;
  /** Takes; −1: until ended. */
  takes: number;
  /** Chains that the takes go through in turn: each a list of links as `Chain.add` wants them. */
  chains: [number, number, number, number, number][][];
  quota: { slot: number; period: number; limit: number } | null;
  /** [0] threads ready, [1] the gate, then per chain the count of takes that passed (all threads). */
  shared: SharedArrayBuffer;
}

const { memory, owner, takes, chains, quota, shared } = workerData as TakeWork;
const counts = new Int32Array(shared);
const buckets = createBuckets(memory, owner);
const chain = new Chain();

Atomics.add(counts, 0, 1);
Atomics.notify(counts, 0);
Atomics.wait(counts, 1, 0);

for (let take = 0; take !== takes; take++) {
  const which = (take + owner) % chains.length;
  chain.reset(1);
  for (const link of chains[which]!) chain.add(...link);
  if (quota !== null) chain.quota(quota.slot, quota.period, quota.limit, 1);
  buckets.take(chain, 1_000_000);
  if (chain.outcome <= 1) Atomics.add(counts, 2 + which, 1);
}
