import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import { createTurn } from '../../http/index.ts';
import { createBoardMemory } from '../board.ts';
import type { UpstreamPoolDeps } from '../pool.ts';

/** A network of these upstreams, each with its place, and settings that make tests short. */
export function networkOf(upstreams: UpstreamPolicy[], over: Partial<NetworkPolicy> = {}): NetworkPolicy {
  return {
    index: 0,
    name: 'network',
    path: '/',
    upstreams: upstreams.map((policy, index) => ({ ...policy, index, slot: index })),
    slot: 0,
    kind: 'ethereum',
    chainId: null,
    timeoutMs: 2000,
    maxBlockLag: 2,
    health: { intervalMs: 0, timeoutMs: 1000, call: null },
    breaker: { windowMs: 1000, failures: 5, failureRate: 0.5, openMs: 200, trials: 2 },
    retry: { attempts: 3, backoffMs: 5, backoffMaxMs: 50, budget: 0.1 },
    hedge: null,
    shed: { queue: 100, queueTimeoutMs: 300, reserve: 0, maxInFlightPerCaller: 0 },
    cache: null,
    coalesce: false,
    subscriptions: { pollIntervalMs: 1000, maxBackfill: 1000 },
    ...over,
  };
}

export function poolDeps(over: Partial<UpstreamPoolDeps> = {}): UpstreamPoolDeps {
  return {
    turn: createTurn(() => {}),
    now: () => Math.floor(performance.now() * 1000),
    board: createBoardMemory(2),
    worker: 0,
    ...over,
  };
}
