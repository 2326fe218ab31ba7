import { type HttpStats, noHttpStats } from '../../http/index.ts';
import type { RefusalCode } from '../../jsonrpc/index.ts';
import {
  type CounterName,
  counters as at,
  createRowWriter,
  type Decision,
  definitions,
  type FiguresMemory,
  latencyOffsets,
  record,
  upstreamShape,
} from '../../metrics/index.ts';
import type { CommandCounts } from '../../redis/index.ts';
import type { FailureKind, UpstreamPool } from '../../upstream/index.ts';
import type { UsageRecord } from '../../usage/index.ts';
import { createCallFigures } from './call-figures.ts';
import type { NetworkCounts } from '../networks.ts';
import type { CallCounters } from '../record.ts';
import type { SocketCounts } from './socket-counts.ts';
import type { ExactResult, SharingCounters } from '../sharing/verdict.ts';
import { createUpstreamFigures } from './upstream-figures.ts';

/** Totals that a network keeps, by the counter that takes them over. */
type NetworkTotals = Partial<Record<CounterName, number>>;

/**
 * One worker's counters: the only writer of its slab. Calls by method and caller are counted at the end of their turn; the slab's own
 * totals (notifications, bursts depleted, failures by kind, the fine histograms of latency) at once, so that they may be ahead by the
 * calls of a turn that a death cut off.
 */
export interface WorkerCounters extends CallCounters, SharingCounters {
  /** A call that the blocklist would have refused. */
  banSimulated(): void;
  /** A message of a WebSocket came. */
  message(bytes: number): void;
  /** The end of a turn, before its usage is written: counts its calls. */
  settle(): void;
  /** And its events, folded. */
  events(records: readonly UsageRecord[]): void;
  /** Calls and events that are in no journal, in all. */
  usageLost(calls: number): void;
  /** Every 100 ms: what its own connection to Redis counted. */
  redisCommands(counts: Readonly<CommandCounts>, away: boolean): void;
  /** Every 100 ms: says that the worker is alive, and takes over what others counted. */
  beat(front: Readonly<HttpStats>, networks: readonly NetworkCounts[], sockets: Readonly<SocketCounts>): void;
}

/** What a refusal counts as; null: it was let in, and failed. */
const decisionOf: Record<RefusalCode, Decision | null> = {
  rate_limited: 'exceeded',
  quota_exhausted: 'quota',
  method_blocked: 'blocked',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  overloaded: 'shed',
  unmetered: 'shed',
  no_upstream: null,
  upstream_timeout: null,
  upstream_invalid: null,
  parse_error: 'invalid',
  invalid_request: 'invalid',
  body_too_large: 'invalid',
  path_not_found: 'invalid',
  encoding_unsupported: 'invalid',
  http_method_unsupported: 'invalid',
  request_timeout: 'invalid',
  headers_too_large: 'invalid',
  bad_http: 'invalid',
  too_many_sockets: 'exceeded',
  too_many_subscriptions: 'exceeded',
  subscription_unsupported: 'invalid',
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

const exactCounters: Record<ExactResult, CounterName> = {
  taken: 'exactTaken',
  refused: 'exactRefused',
  remembered: 'exactRemembered',
  unanswered: 'exactUnanswered',
};

const commandCounters = {
  answered: 'redisAnswered',
  refused: 'redisErrors',
  timedOut: 'redisTimedOut',
  lost: 'redisLost',
} as const satisfies Partial<Record<keyof CommandCounts, CounterName>>;
const commandNames = Object.keys(commandCounters) as (keyof typeof commandCounters)[];

export function createWorkerCounters(
  memory: SharedArrayBuffer,
  figuresMemory: FiguresMemory,
  epochMs: () => number,
): WorkerCounters {
  const slab = new Float64Array(memory);
  const upstreamRows = createRowWriter(figuresMemory.upstreams, upstreamShape);
  const figures = createCallFigures(figuresMemory, upstreamRows, epochMs);
  const upstreams = createUpstreamFigures(upstreamRows);
  const add = (name: CounterName, count: number): void => {
    slab[at[name]]! += count;
  };
  // Of every answered call: looked up once.
  const proxyLatency = latencyOffsets.proxy;
  const upstreamLatency = latencyOffsets.upstream;
  const { requestsFast, socketMessages, socketBytesIn, socketRequests } = at;

  /** What was last taken over of counts that others keep as running totals. */
  let frontBefore = noHttpStats();
  let socketsBefore: SocketCounts | undefined;
  let commandsBefore: Record<keyof typeof commandCounters, number> = {
    answered: 0,
    refused: 0,
    timedOut: 0,
    lost: 0,
  };
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
      if (call.sentAt !== 0) record(slab, upstreamLatency, upstreamMicros);
      figures.answered(call, totalMicros, upstreamMicros);
    },
    refused(call, code, metered) {
      if (call.id === '') add('notifications', 1);
      if (call.reason === 'burst depleted') add('burstsDepleted', 1);
      if (call.failure !== null) add(failureCounters[call.failure.kind], 1);
      figures.refused(call, decisionOf[code], metered);
    },
    turnedAway() {
      add('requestsRefused', 1);
    },
    shadowRefused: figures.shadows,
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
    waited(micros) {
      add('limitsParked', 1);
      record(slab, latencyOffsets.limitWait, micros);
    },
    byShare: () => add('limitsByShare', 1),
    needsSent: (needs) => add('leaseNeeds', needs),
    exact: (result) => add(exactCounters[result], 1),
    settle: figures.settle,
    events: figures.events,
    usageLost(calls) {
      add('usageLost', calls - lostBefore);
      lostBefore = calls;
    },
    redisCommands(counts, away) {
      slab[at.redisAway] = away ? 1 : 0;
      for (const name of commandNames) add(commandCounters[name], counts[name] - commandsBefore[name]);
      commandsBefore = { ...counts };
    },
    beat(front, networks, sockets) {
      slab[at.heartbeat]!++;
      takeFront(front);
      takeSockets(sockets);
      for (const network of networks) takeNetwork(network);
      upstreams.take(networks);
      const sum = (of: (network: NetworkCounts) => number): number =>
        networks.reduce((total, network) => total + of(network), 0);
      slab[at.callsWaiting] = sum(({ pool }) => pool.totals().waiting);
      slab[at.cacheBytes] = sum(({ answers }) => answers.bytes);
      slab[at.cacheEntries] = sum(({ answers }) => answers.entries);
    },
  };
}

function totalsOf({ pool, answers }: NetworkCounts): NetworkTotals {
  const totals = pool.totals();
  return {
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
    sharedHits: answers.sharedHits,
    sharedMisses: answers.sharedMisses,
    sharedErrors: answers.sharedErrors,
    sharedPuts: answers.sharedPuts,
    sharedDropped: answers.sharedDropped,
  };
}
