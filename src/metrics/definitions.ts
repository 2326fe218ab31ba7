/** What a counter means: `total` only grows, `gauge` is what there is now and dies with its worker. */
export interface CounterDefinition {
  /** Family name, in base units; `polymorph_` goes before it when it is published. */
  readonly family: string;
  readonly kind: 'total' | 'gauge';
  readonly help: string;
  /** Label by which the family's members differ. */
  readonly label?: readonly [name: string, value: string];
}

function total(family: string, help: string, label?: readonly [string, string]): CounterDefinition {
  return label === undefined ? { family, kind: 'total', help } : { family, kind: 'total', help, label };
}

function gauge(family: string, help: string): CounterDefinition {
  return { family, kind: 'gauge', help };
}

const failuresHelp = 'Calls that ended without an answer of an upstream, by what went wrong';
const cacheHelp =
  'Calls whose answer may be kept or shared: answered from what is kept, by an identical call under way, or by an upstream';
const sharedReadsHelp =
  'Answers looked for in the cache that instances share, by what came of it; `error`: no answer in time, or bytes that are none';
const sharedPutsHelp =
  'Answers for the cache that instances share: sent, or dropped since too much was under way';
const closedHelp = 'WebSockets closed, by why: `client` is whatever the client did itself';
const exactHelp =
  'Calls with an exact limit: taken or refused by Redis, refused by what it had said before, or without an answer in time';
const workerCommandsHelp =
  'Commands of workers’ own connections to Redis, for exact limits and shared answers, by what came of them: as polymorph_redis_commands_total';
const bytesHelp = 'Bytes on connections of callers, heads included';

/**
 * Every counter of a worker, in the order of its slab. A name is forever; a new one may go anywhere but
 * first, as slabs live no longer than the process.
 */
export const definitions = {
  heartbeat: total('worker_heartbeats_total', 'Ticks of the worker’s 100 ms timer'),

  connectionsOpen: gauge('connections_open', 'Connections of callers that are open'),
  connectionsTotal: total('connections_total', 'Connections accepted'),
  connectionsRefused: total(
    'connections_refused_total',
    'Connections closed at once since a bound was reached',
  ),
  connectionsBanned: total(
    'connections_banned_total',
    'Connections closed at once since their peer’s address is on the blocklist',
  ),
  connectionsTimedOut: total(
    'connections_timed_out_total',
    'Connections closed since their caller took too long',
  ),
  handOvers: total('fallback_connections_total', 'Connections handed from the fast lane to node:http'),
  requestsFast: total('http_requests_total', 'HTTP requests by lane', ['lane', 'fast']),
  requestsFallback: total('http_requests_total', 'HTTP requests by lane', ['lane', 'fallback']),
  requestsRefused: total(
    'http_refused_total',
    'HTTP requests and connections refused before a call was read from them',
  ),
  bytesIn: total('received_bytes_total', bytesHelp),
  bytesOut: total('sent_bytes_total', bytesHelp),

  socketsOpen: gauge('websocket_connections_open', 'WebSockets that are open'),
  socketsTotal: total('websocket_connections_total', 'WebSockets opened'),
  socketMessages: total('websocket_messages_total', 'Messages received over WebSockets'),
  socketRequests: total(
    'websocket_requests_total',
    'Messages received over WebSockets in which calls were found',
  ),
  socketBytesIn: total('websocket_received_bytes_total', 'Bytes of messages received over WebSockets'),
  socketBytesOut: total('websocket_sent_bytes_total', 'Bytes of answers and events sent over WebSockets'),
  socketsClosedClient: total('websocket_closed_total', closedHelp, ['reason', 'client']),
  socketsClosedRestart: total('websocket_closed_total', closedHelp, ['reason', 'restart']),
  socketsClosedAbuse: total('websocket_closed_total', closedHelp, ['reason', 'abuse']),
  socketsClosedQuota: total('websocket_closed_total', closedHelp, ['reason', 'quota']),
  socketsClosedSlow: total('websocket_closed_total', closedHelp, ['reason', 'slow']),
  socketsClosedKey: total('websocket_closed_total', closedHelp, ['reason', 'key_gone']),
  socketsClosedBanned: total('websocket_closed_total', closedHelp, ['reason', 'banned']),
  socketsClosedNetwork: total('websocket_closed_total', closedHelp, ['reason', 'network_gone']),
  socketsClosedLost: total('websocket_closed_total', closedHelp, ['reason', 'subscription_lost']),
  socketsClosedProtocol: total('websocket_closed_total', closedHelp, ['reason', 'protocol']),
  socketsClosedSilent: total('websocket_closed_total', closedHelp, ['reason', 'silent']),
  socketsClosedUnmetered: total('websocket_closed_total', closedHelp, ['reason', 'unmetered']),
  socketsClosedFault: total('websocket_closed_total', closedHelp, ['reason', 'internal_error']),
  subscriptionsOpen: gauge('subscriptions_open', 'Subscriptions of callers that are open'),
  events: total('subscription_events_total', 'Events delivered to subscribers'),
  eventBytes: total('subscription_event_bytes_total', 'Bytes of events delivered to subscribers'),
  eventsConflated: total(
    'subscription_events_conflated_total',
    'Heads not sent to a slow subscriber since a newer one came',
  ),

  burstsDepleted: total(
    'bursts_depleted_total',
    'Times a caller’s bucket was first found too low after a burst',
  ),
  bansSimulated: total(
    'simulated_ban_refusals_total',
    'Calls that the blocklist would have refused, was it not in simulate mode',
  ),
  notifications: total('notifications_total', 'Calls without an id'),
  batches: total('batches_total', 'Batches'),
  batchItems: total('batch_items_total', 'Items of batches'),

  limitsParked: total(
    'limit_calls_waited_total',
    'Calls that waited for a lease of tokens, or for Redis to decide an exact limit',
  ),
  limitsByShare: total(
    'limit_share_decisions_total',
    'Calls decided by this instance’s share of a limit, since Redis gave no answer in time',
  ),
  leaseNeeds: total(
    'limit_lease_needs_total',
    'Leases of tokens that workers asked for: one for each bucket or quota and event-loop turn',
  ),
  exactTaken: total('limit_exact_decisions_total', exactHelp, ['result', 'taken']),
  exactRefused: total('limit_exact_decisions_total', exactHelp, ['result', 'refused']),
  exactRemembered: total('limit_exact_decisions_total', exactHelp, ['result', 'remembered']),
  exactUnanswered: total('limit_exact_decisions_total', exactHelp, ['result', 'unanswered']),

  redisAway: gauge('redis_worker_connections_away', 'Workers whose own connection finds Redis away'),
  redisAnswered: total('redis_worker_commands_total', workerCommandsHelp, ['result', 'answered']),
  redisErrors: total('redis_worker_commands_total', workerCommandsHelp, ['result', 'refused']),
  redisTimedOut: total('redis_worker_commands_total', workerCommandsHelp, ['result', 'timed_out']),
  redisLost: total('redis_worker_commands_total', workerCommandsHelp, ['result', 'lost']),

  answersUnread: total('answers_unread_total', 'Answers whose caller had gone'),

  upstreamRetries: total('upstream_retries_total', 'Calls sent again, to another upstream or the same'),
  upstreamRetriesDenied: total(
    'upstream_retries_denied_total',
    'Calls not sent again since the retry budget was used up',
  ),
  upstreamFailovers: total(
    'upstream_failovers_total',
    'Calls answered by another upstream than the first asked',
  ),
  upstreamHedges: total('upstream_hedges_total', 'Second attempts beside a slow first one', [
    'result',
    'sent',
  ]),
  upstreamHedgesWon: total('upstream_hedges_total', 'Second attempts beside a slow first one', [
    'result',
    'won',
  ]),
  callsWaiting: gauge('upstream_calls_waiting', 'Calls that wait until an upstream has room'),

  cacheHits: total('cache_calls_total', cacheHelp, ['result', 'hit']),
  cacheJoined: total('cache_calls_total', cacheHelp, ['result', 'joined']),
  cacheMisses: total('cache_calls_total', cacheHelp, ['result', 'miss']),
  cacheStores: total('cache_stores_total', 'Answers kept'),
  cacheEvictions: total('cache_evictions_total', 'Answers given up for want of room'),
  cacheReorgDrops: total('cache_reorg_drops_total', 'Answers dropped since a reorg made them doubtful'),
  cacheBytes: gauge('cache_bytes', 'Bytes of answers that are kept, with what holds them'),
  cacheEntries: gauge('cache_entries', 'Answers that are kept'),
  sharedHits: total('shared_cache_reads_total', sharedReadsHelp, ['result', 'hit']),
  sharedMisses: total('shared_cache_reads_total', sharedReadsHelp, ['result', 'miss']),
  sharedErrors: total('shared_cache_reads_total', sharedReadsHelp, ['result', 'error']),
  sharedPuts: total('shared_cache_puts_total', sharedPutsHelp, ['result', 'sent']),
  sharedDropped: total('shared_cache_puts_total', sharedPutsHelp, ['result', 'dropped']),

  upstreamRefused: total('failed_calls_total', failuresHelp, ['reason', 'connect']),
  upstreamReset: total('failed_calls_total', failuresHelp, ['reason', 'reset']),
  upstreamTimedOut: total('failed_calls_total', failuresHelp, ['reason', 'timeout']),
  upstreamTruncated: total('failed_calls_total', failuresHelp, ['reason', 'truncated']),
  upstreamOversized: total('failed_calls_total', failuresHelp, ['reason', 'oversized']),
  upstreamBadHttp: total('failed_calls_total', failuresHelp, ['reason', 'http']),
  upstreamBadStatus: total('failed_calls_total', failuresHelp, ['reason', 'status']),
  upstreamBadAnswer: total('failed_calls_total', failuresHelp, ['reason', 'answer']),
  upstreamThrottled: total('failed_calls_total', failuresHelp, ['reason', 'throttled']),
  upstreamOverloaded: total('failed_calls_total', failuresHelp, ['reason', 'overloaded']),

  usageLost: total(
    'usage_lost_total',
    'Calls and events answered that no journal had room for: `usage.when_full: serve_unmetered`',
  ),
  logLinesDropped: total('log_lines_dropped_total', 'Log lines lost since the log could not keep up'),
  explainRecordsEvicted: total('explain_records_evicted_total', 'Decision records dropped before their time'),
} as const satisfies Record<string, CounterDefinition>;

export type CounterName = keyof typeof definitions;

export const counterNames = Object.keys(definitions) as CounterName[];

/** The latencies kept as histograms; recorded in microseconds, published in seconds. */
export const latencies = {
  /** From the last byte of the call to its answer being handed to the socket, without the upstream's part. */
  proxy: {
    family: 'proxy_duration_seconds',
    help: 'Time of a call in the proxy, without that between its being written to an upstream and its answer',
  },
  /** From the turn in which the call was written to the upstream to its answer's last byte read. */
  upstream: {
    family: 'upstream_duration_seconds',
    help: 'Time from a call being sent upstream to its answer',
  },
  /** From its being held back to its being decided. */
  limitWait: {
    family: 'limit_wait_duration_seconds',
    help: 'Time that calls waited for a lease of tokens, or for Redis to decide an exact limit; those that did not wait are not counted',
  },
} as const;

export type LatencyName = keyof typeof latencies;

export const latencyNames = Object.keys(latencies) as LatencyName[];
