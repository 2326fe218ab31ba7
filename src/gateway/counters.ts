import type { HttpStats } from '../http/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import {
  type CounterName,
  counters as at,
  createMethodNumbers,
  definitions,
  latencyOffsets,
  methodIndex,
  record,
} from '../metrics/index.ts';
import type { FailureKind, UpstreamPool, UpstreamStats } from '../upstream/index.ts';
import { type UsageRecord, usageStatuses } from '../usage/index.ts';
import type { NetworkCounts } from './networks.ts';
import type { SocketCounts } from './socket-counts.ts';
import type { CallCounters } from './record.ts';

const EXCEEDED = usageStatuses.indexOf('exceeded');

/** Totals that a network keeps, by the counter that takes them over. */
type NetworkTotals = Partial<Record<CounterName, number>>;

/** One worker's counters: the only writer of its slab. */
export interface WorkerCounters extends CallCounters {
  /** A call that the blocklist would have refused. */
  banSimulated(): void;
  /** A message of a WebSocket came. */
  message(bytes: number): void;
  /** A turn's answered calls, folded. */
  commit(records: readonly UsageRecord[]): void;
  /** Calls and events that are in no journal, in all. */
  usageLost(calls: number): void;
  /** Every 100 ms: says that the worker is alive, and takes over what others counted. */
  beat(front: Readonly<HttpStats>, networks: readonly NetworkCounts[], sockets: Readonly<SocketCounts>): void;
}

const outcomeCounters: Record<RefusalCode, CounterName> = {
  rate_limited: 'callsExceeded',
  quota_exhausted: 'callsQuota',
  method_blocked: 'callsBlocked',
  unauthorized: 'callsUnauthorized',
  forbidden: 'callsForbidden',
  overloaded: 'callsShed',
  unmetered: 'callsShed',
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
  too_many_sockets: 'callsExceeded',
  too_many_subscriptions: 'callsExceeded',
  subscription_unsupported: 'callsInvalid',
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
  throttled: 'upstreamThrottled',
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
  const { requestsFast, socketMessages, socketBytesIn, socketRequests } = at;

  /** What was last taken over of counts that others keep as running totals. */
  let frontBefore: HttpStats = {
    connections: 0,
    accepted: 0,
    refusedConnections: 0,
    bannedConnections: 0,
    handedOver: 0,
    timedOut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  let socketsBefore: SocketCounts | undefined;
  let lostBefore = 0;
  const networksBefore = new WeakMap<UpstreamPool, NetworkTotals>();

  const takeFront = (front: Readonly<HttpStats>): void => {
    slab[at.connectionsOpen] = front.connections;
    add('connectionsTotal', front.accepted - frontBefore.accepted);
    add('connectionsRefused', front.refusedConnections - frontBefore.refusedConnections);
    add('connectionsBanned', front.bannedConnections - frontBefore.bannedConnections);
    add('connectionsTimedOut', front.timedOut - frontBefore.timedOut);
    add('handOvers', front.handedOver - frontBefore.handedOver);
    add('bytesIn', front.bytesIn - frontBefore.bytesIn);
    add('bytesOut', front.bytesOut - frontBefore.bytesOut);
    frontBefore = { ...front };
  };

  /** Running totals and gauges as they are: all of this worker's own. */
  const takeSockets = (sockets: Readonly<SocketCounts>): void => {
    const before = socketsBefore;
    for (const name of Object.keys(sockets) as (keyof SocketCounts)[]) {
      if (definitions[name].kind === 'gauge') slab[at[name]] = sockets[name];
      else add(name, sockets[name] - (before?.[name] ?? 0));
    }
    socketsBefore = { ...sockets };
  };

  const takeNetwork = (counts: NetworkCounts): void => {
    const totals = totalsOf(counts);
    const before = networksBefore.get(counts.pool);
    for (const name of Object.keys(totals) as CounterName[])
      add(name, Math.max(0, totals[name]! - (before?.[name] ?? 0)));
    networksBefore.set(counts.pool, totals);
  };

  return {
    answered(call, totalMicros, upstreamMicros) {
      if (call.id === '') add('notifications', 1);
      record(slab, proxyLatency, totalMicros - upstreamMicros);
      if (call.sentAt === 0) return;
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
      add('costUnits', call.cost);
    },
    turnedAway() {
      add('requestsRefused', 1);
      add('answersRefusal', 1);
    },
    shadowRefused: () => add('shadowRefusals', 1),
    banSimulated: () => add('bansSimulated', 1),
    request(lane) {
      if (lane === 'fast') slab[requestsFast]!++;
      else if (lane === 'fallback') add('requestsFallback', 1);
      else slab[socketRequests]!++;
    },
    message(bytes) {
      slab[socketMessages]!++;
      slab[socketBytesIn]! += bytes;
    },
    batch(items) {
      add('batches', 1);
      add('batchItems', items);
    },
    unread: () => add('answersUnread', 1),
    evicted: () => add('explainRecordsEvicted', 1),
    lineDropped: () => add('logLinesDropped', 1),
    commit(records) {
      for (const { method, status, calls, cost, errors, event } of records) {
        // What was refused was counted as it came.
        if (status === EXCEEDED) continue;
        if (event) {
          add('costUnits', cost);
          continue;
        }
        add(status === outcomes.burst ? 'callsBurst' : 'callsAllowed', calls);
        add('costUnits', cost);
        add('answersResult', calls - errors);
        add('answersError', errors);
        slab[methodIndex(methods.numberOf(method), 'calls')]! += calls;
      }
    },
    usageLost(calls) {
      add('usageLost', calls - lostBefore);
      lostBefore = calls;
    },
    beat(front, networks, sockets) {
      slab[at.heartbeat]!++;
      takeFront(front);
      takeSockets(sockets);
      for (const network of networks) takeNetwork(network);
      const sum = (of: (network: NetworkCounts) => number): number =>
        networks.reduce((total, network) => total + of(network), 0);
      slab[at.upstreamConnectionsOpen] = sum(({ pool }) =>
        pool.stats().reduce((total, { connections }) => total + connections, 0),
      );
      slab[at.callsWaiting] = sum(({ pool }) => pool.totals().waiting);
      slab[at.cacheBytes] = sum(({ answers }) => answers.bytes);
      slab[at.cacheEntries] = sum(({ answers }) => answers.entries);
    },
  };
}

function totalsOf({ pool, answers }: NetworkCounts): NetworkTotals {
  const stats = pool.stats();
  const totals = pool.totals();
  const sum = (of: (upstream: UpstreamStats) => number): number =>
    stats.reduce((total, each) => total + of(each), 0);
  return {
    upstreamCalls: sum((each) => each.sent),
    upstreamConnectionsTotal: sum((each) => each.opened),
    upstreamExchanges: sum((each) => each.exchanges),
    upstreamBytesIn: sum((each) => each.bytesIn),
    upstreamBytesOut: sum((each) => each.bytesOut),
    upstreamRetries: totals.retries,
    upstreamHedges: totals.hedges,
    upstreamHedgesWon: totals.hedgesWon,
    upstreamFailovers: totals.failovers,
    upstreamRetriesDenied: totals.overBudget,
    cacheHits: answers.hits,
    cacheMisses: answers.misses,
    cacheJoined: answers.joined,
    cacheStores: answers.stores,
    cacheEvictions: answers.evictions,
    cacheReorgDrops: answers.reorgDrops,
  };
}
