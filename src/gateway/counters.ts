import type { HttpStats } from '../http/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import {
  type CounterName,
  counters as at,
  createMethodNumbers,
  latencyOffsets,
  methodIndex,
  record,
} from '../metrics/index.ts';
import type { FailureKind, UpstreamPool, UpstreamStats } from '../upstream/index.ts';
import type { CallCounters } from './record.ts';
import type { UsageRecord } from './usage-turn.ts';

/** What a pool has counted since its start. */
interface PoolCounts {
  sent: number;
  opened: number;
  exchanges: number;
  bytesIn: number;
  bytesOut: number;
}

/** One worker's counters: the only writer of its slab. */
export interface WorkerCounters extends CallCounters {
  /** A turn's answered calls, folded. */
  commit(records: readonly UsageRecord[]): void;
  /** Every 100 ms: says that the worker is alive, and takes over what others counted. */
  beat(front: Readonly<HttpStats>, pools: Iterable<UpstreamPool>): void;
}

const outcomeCounters: Record<RefusalCode, CounterName> = {
  rate_limited: 'callsExceeded',
  quota_exhausted: 'callsQuota',
  method_blocked: 'callsBlocked',
  unauthorized: 'callsUnauthorized',
  forbidden: 'callsForbidden',
  overloaded: 'callsShed',
  no_upstream: 'callsFailed',
  upstream_timeout: 'callsFailed',
  upstream_invalid: 'callsFailed',
  parse_error: 'callsInvalid',
  invalid_request: 'callsInvalid',
  body_too_large: 'callsInvalid',
  path_not_found: 'callsInvalid',
  encoding_unsupported: 'callsInvalid',
  http_method_unsupported: 'callsInvalid',
  request_timeout: 'callsInvalid',
  headers_too_large: 'callsInvalid',
  bad_http: 'callsInvalid',
};

const failureCounters: Record<FailureKind, CounterName> = {
  connect: 'upstreamRefused',
  overloaded: 'upstreamOverloaded',
  timeout: 'upstreamTimedOut',
  reset: 'upstreamReset',
  truncated: 'upstreamTruncated',
  oversized: 'upstreamOversized',
  http: 'upstreamBadHttp',
  status: 'upstreamBadStatus',
  answer: 'upstreamBadAnswer',
  throttled: 'upstreamBadStatus',
};

export function createWorkerCounters(memory: SharedArrayBuffer): WorkerCounters {
  const slab = new Float64Array(memory);
  const methods = createMethodNumbers();
  const add = (name: CounterName, count: number): void => {
    slab[at[name]]! += count;
  };
  // Of every answered call: looked up once.
  const proxyLatency = latencyOffsets.proxy;
  const upstreamLatency = latencyOffsets.upstream;
  const requestsFast = at.requestsFast;

  /** What was last taken over of counts that others keep as running totals. */
  let frontBefore: HttpStats = {
    connections: 0,
    accepted: 0,
    refusedConnections: 0,
    handedOver: 0,
    timedOut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  const poolsBefore = new WeakMap<UpstreamPool, PoolCounts>();

  const takeFront = (front: Readonly<HttpStats>): void => {
    slab[at.connectionsOpen] = front.connections;
    add('connectionsTotal', front.accepted - frontBefore.accepted);
    add('connectionsRefused', front.refusedConnections - frontBefore.refusedConnections);
    add('connectionsTimedOut', front.timedOut - frontBefore.timedOut);
    add('handOvers', front.handedOver - frontBefore.handedOver);
    add('bytesIn', front.bytesIn - frontBefore.bytesIn);
    add('bytesOut', front.bytesOut - frontBefore.bytesOut);
    frontBefore = { ...front };
  };

  const takePool = (pool: UpstreamPool): number => {
    const stats = pool.stats();
    const sum = (of: (upstream: UpstreamStats) => number): number =>
      stats.reduce((total, each) => total + of(each), 0);
    const before = poolsBefore.get(pool) ?? { sent: 0, opened: 0, exchanges: 0, bytesIn: 0, bytesOut: 0 };
    const current = {
      sent: sum((each) => each.sent),
      opened: sum((each) => each.opened),
      exchanges: sum((each) => each.exchanges),
      bytesIn: sum((each) => each.bytesIn),
      bytesOut: sum((each) => each.bytesOut),
    };
    add('upstreamCalls', Math.max(0, current.sent - before.sent));
    add('upstreamConnectionsTotal', Math.max(0, current.opened - before.opened));
    add('upstreamExchanges', Math.max(0, current.exchanges - before.exchanges));
    add('upstreamBytesIn', Math.max(0, current.bytesIn - before.bytesIn));
    add('upstreamBytesOut', Math.max(0, current.bytesOut - before.bytesOut));
    poolsBefore.set(pool, current);
    return sum((each) => each.connections);
  };

  return {
    answered(call, totalMicros, upstreamMicros) {
      if (call.id === '') add('notifications', 1);
      record(slab, proxyLatency, totalMicros - upstreamMicros);
      record(slab, upstreamLatency, upstreamMicros);
      slab[methodIndex(methods.numberOf(call.method), 'upstreamMicros')]! += upstreamMicros;
    },
    refused(call, code) {
      const counter = outcomeCounters[code];
      add(counter, 1);
      if (call.id === '') add('notifications', 1);
      else add('answersRefusal', 1);
      const method = methods.numberOf(call.method);
      slab[methodIndex(method, 'calls')]!++;
      slab[methodIndex(method, call.failure === null ? 'refused' : 'failed')]!++;
      if (call.reason === 'burst depleted') add('burstsDepleted', 1);
      if (call.failure === null) return;
      add(failureCounters[call.failure.kind], 1);
      // It was let in, and its tokens are gone.
      if (counter !== 'callsShed') add(call.outcome === outcomes.burst ? 'callsBurst' : 'callsAllowed', 1);
      add('costUnits', call.facts?.cost ?? 0);
    },
    turnedAway() {
      add('requestsRefused', 1);
      add('answersRefusal', 1);
    },
    shadowRefused: () => add('shadowRefusals', 1),
    request(lane) {
      if (lane === 'fast') slab[requestsFast]!++;
      else add('requestsFallback', 1);
    },
    batch(items) {
      add('batches', 1);
      add('batchItems', items);
    },
    unread: () => add('answersUnread', 1),
    evicted: () => add('explainRecordsEvicted', 1),
    lineDropped: () => add('logLinesDropped', 1),
    commit(records) {
      for (const { method, outcome, calls, cost, errors } of records) {
        add(outcome === outcomes.burst ? 'callsBurst' : 'callsAllowed', calls);
        add('costUnits', cost);
        add('answersResult', calls - errors);
        add('answersError', errors);
        slab[methodIndex(methods.numberOf(method), 'calls')]! += calls;
      }
    },
    beat(front, pools) {
      slab[at.heartbeat]!++;
      takeFront(front);
      let open = 0;
      for (const pool of pools) open += takePool(pool);
      slab[at.upstreamConnectionsOpen] = open;
    },
  };
}
