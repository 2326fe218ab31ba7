import type { EventTypeName } from './schema/event-types.ts';

/**
 * What the workers are given: the config compiled to numbers. Plain data for `postMessage`, but for shared memory. Holds
 * upstreams' credentials and no key. What grows with the keys stands in shared memory.
 */
export interface PolicySnapshot {
  /** Counts up with every compile of one process. */
  generation: number;
  networks: NetworkPolicy[];
  server: ServerPolicy;
  websocket: WebsocketPolicy;
  identity: { anonymous: 'allow' | 'deny'; ipv6Prefix: number };
  blocklist: BlocklistPolicy;
  methods: MethodsPolicy;
  /** Of all callers and keys; a rule's place is its number. */
  rules: RulePolicy[];
  /** Of all callers. */
  defaults: RuleSet;
  ceilings: CeilingPolicy[];
  /** See `identity`: SHA-256 → key number, rule set, flags. */
  keyIndex: SharedArrayBuffer;
  /** See `identity`, shared texts: by the numbers that this index has, the sets of rules that keys share, each a `KeySetText`. */
  keySets: SharedArrayBuffer;
  /** Over WebSocket, of callers whose key has none of its own. */
  socketBounds: SocketBounds;
  limitHeaders: 'standard' | 'both' | 'none';
  /** What a call costs that is answered without an upstream, as a share of its method's cost; 1: in full. */
  chargeCached: number;
  explain: { keepMs: number; sample: number; maxRecords: number };
  /** Share of the calls that get a line, and lines of each worker in a second. */
  logging: { accessSample: number; accessMaxPerSecond: number };
  usage: UsagePolicy;
  /** Types that somebody wants to hear of, and those of them that callers without a key may make. */
  events: { wanted: readonly EventTypeName[]; ofAnonymous: readonly EventTypeName[] };
}

export interface BlocklistPolicy {
  /** `simulate`: what would be refused is counted, and passes. */
  mode: 'enforce' | 'simulate';
  /** Connections of refused peers are closed at accept. */
  closeConnections: boolean;
  /** See `identity`: prefix tables. */
  allow: SharedArrayBuffer;
  deny: SharedArrayBuffer;
  /** What violations weigh; null: they are not counted. */
  weights: ViolationWeights | null;
}

export interface ViolationWeights {
  rate_limited: number;
  unauthorized: number;
  invalid: number;
  method_blocked: number;
}

export interface UsagePolicy {
  /** While a journal's disk is full: refuse calls, or answer them and count what is lost. */
  whenFull: 'refuse' | 'serve_unmetered';
}

export interface NetworkPolicy {
  index: number;
  name: string;
  /** `/` or `/eth`. */
  path: string;
  upstreams: UpstreamPolicy[];
  /** Its place in the shared board: holds for as long as a network of this name is configured. */
  slot: number;
  /** `ethereum`: what is known of Ethereum's methods, errors and blocks holds here. */
  kind: 'ethereum' | 'generic';
  /** null: that of most upstreams. */
  chainId: number | null;
  /** A call with all its attempts. */
  timeoutMs: number;
  /** Blocks an upstream may be behind the network's head; beyond it is not chosen while another is. */
  maxBlockLag: number;
  health: HealthPolicy;
  breaker: BreakerPolicy;
  retry: RetryPolicy;
  /** null: off. */
  hedge: HedgePolicy | null;
  shed: ShedPolicy;
  /** null: off. */
  cache: CachePolicy | null;
  /** Identical cacheable calls in flight share one upstream call. */
  coalesce: boolean;
  subscriptions: SubscriptionPolicy;
}

export interface SubscriptionPolicy {
  /** Between two looks at an upstream without WebSocket. */
  pollIntervalMs: number;
  /** Blocks fetched to fill a gap. */
  maxBackfill: number;
}

/** Active checks; passive ones (errors, timeouts, wrong answers) are the breaker's. */
export interface HealthPolicy {
  /** 0: no active checks, and no head. */
  intervalMs: number;
  timeoutMs: number;
  /** A call whose answer must be a result, in place of Ethereum's own three; its params as JSON text. */
  call: { method: string; params: string } | null;
}

export interface BreakerPolicy {
  /** Sliding window; it opens where both the count and the rate are reached in it. */
  windowMs: number;
  failures: number;
  /** Above 0 to 1. */
  failureRate: number;
  /** How long it stays open before trials. */
  openMs: number;
  /** Calls let through while half-open; all must succeed. */
  trials: number;
}

export interface RetryPolicy {
  /** Attempts of one call, the first included; 1: never again. */
  attempts: number;
  /** Full jitter: the n-th wait is random in [0, min(backoffMaxMs, backoffMs × 2^(n-1))]. Another upstream is tried at once. */
  backoffMs: number;
  backoffMaxMs: number;
  /** Extra attempts, hedges included, as a share of calls. */
  budget: number;
}

export interface HedgePolicy {
  /** Of the method's latency; above 0, below 1. */
  quantile: number;
  /** Bounds of the wait before the second attempt. */
  minDelayMs: number;
  maxDelayMs: number;
}

export interface ShedPolicy {
  /** Calls each worker holds until an upstream has room; beyond: 503. */
  queue: number;
  queueTimeoutMs: number;
  /** Share of upstreams' `maxInFlight` and of the queue that only critical methods may use. */
  reserve: number;
  /** Calls in flight of one key or address in each worker; 0: no bound. */
  maxInFlightPerCaller: number;
}

export interface CachePolicy {
  /** Each worker's, over its answers. */
  maxBytes: number;
  maxEntryBytes: number;
  /** An answer bound to the head is kept until the head moves, a transaction passes, or this; 0: not kept. */
  headTtlMs: number;
  /** Blocks below the head that are taken as final where nodes know no `finalized` block. */
  finalityDepth: number;
  /** By pattern, before what is known of Ethereum's methods; `ttlMs` 0: never, `Number.MAX_SAFE_INTEGER`: for ever. */
  methods: { pattern: string; ttlMs: number }[];
  /** What instances keep together; null: nothing. */
  shared: { ttlMs: number; maxValueBytes: number } | null;
}

export interface ServerPolicy {
  maxBodyBytes: number;
  maxBatchSize: number;
  maxHeaderBytes: number;
  headerTimeoutMs: number;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  /** Over all workers. */
  maxConnections: number;
  /** Over all workers. */
  maxConnectionsPerAddress: number;
  /** Networks in CIDR form, or addresses. */
  trustedProxies: string[];
  /** null: CORS is off. Header names in lower case. */
  cors: { allowOrigins: string[]; allowHeaders: string[]; maxAgeSeconds: number } | null;
  drainTimeoutMs: number;
  docsUrl: string;
}

export interface WebsocketPolicy {
  enabled: boolean;
  /** `*` for all; compared with `Origin`, in lower case. */
  origins: string[];
  /** Calls refused by limits within 10 s before a socket is closed; 0: no bound. */
  maxRefusals: number;
  sendBufferBytes: number;
  slowConsumers: 'conflate' | 'close';
  pingIntervalMs: number;
  pongTimeoutMs: number;
  compression: boolean;
}

/** Of one caller over all workers; 0: no bound. */
export interface SocketBounds {
  connections: number;
  subscriptions: number;
  /** Bounds its messages; null: nothing does. */
  messagesRule: RulePolicy | null;
}

/** Patterns: `*` stands for anything; see `matchMethod`. */
export interface MethodsPolicy {
  groups: { name: string; patterns: string[] }[];
  costs: { pattern: string; cost: number }[];
  blocked: string[];
  /** May share an upstream batch. */
  cheap: string[];
  /** Never pipelined, batched or retried. */
  unsafe: string[];
  /** Names that are safe although a pattern of `unsafe` matches. */
  safe: string[];
  /** Patterns: unsafe methods that leave the chain's state as it is. */
  still: string[];
  /** Names: signed transactions whose hash is the answer, unsafe but the same wherever they are sent. */
  transactions: string[];
  /** May use what is held in reserve when calls are shed. */
  critical: string[];
}

/** Rules by what they match; a pattern or group with several rules stands there as often, in order. */
export interface RulesByMatch<R> {
  methods: [pattern: string, rule: R][];
  groups: [group: string, rule: R][];
  all: R[];
}

/** By number of the rule. */
export type RuleSet = RulesByMatch<number>;

/**
 * What holds for the keys of one set beside the snapshot: JSON in shared memory, written once. Nothing in it depends on
 * the rest of the config, so that a changed config is the same for any number of sets.
 */
export interface KeySetText extends RulesByMatch<RuleText> {
  /** The slot counted in is the key's number. */
  quota: QuotaPolicy | null;
  /** Shared by all keys of the user; its slot stands in the key index. */
  userQuota: QuotaPolicy | null;
  /** What is null, or has no rule of its own, is as for all. */
  websocket: {
    connections: number | null;
    subscriptions: number | null;
    /** Null: its messages have no bound. */
    messagesRule?: RuleText | null;
  } | null;
}

/** A rule that knows the only network it holds on by its name, and not yet by its index. */
export interface RuleText extends RulePolicy {
  /** Absent: it holds on all. */
  on?: string;
}

export type RuleRank = 'key-method' | 'key-group' | 'key-all' | 'method' | 'group' | 'default' | 'ceiling';

export interface RulePolicy {
  /** Shown in headers and errors: `default`, `group:read`, `key:eth_call`, `ceiling:per-address`. Names no key. */
  name: string;
  /** What its buckets belong to, beside the caller: the name, with network and place in a list where there are several. */
  scope: string;
  /** Seeded 64-bit hash of `scope`. */
  scopeLo: number;
  scopeHi: number;
  /** Number of its parameters in shared memory. */
  version: number;
  requests: number;
  periodMs: number;
  burst: number;
  /** requests + burst. */
  capacity: number;
  mode: 'enforce' | 'shadow';
  /** Among several instances: decided where the buckets stand, and not by a lease. */
  exact: boolean;
  /** Index of the only network it holds on; -1: all. */
  network: number;
  rank: RuleRank;
}

export interface CeilingPolicy {
  rule: number;
  per: 'address' | 'key' | 'network' | 'global';
}

export interface QuotaPolicy {
  /** Does it count calls or cost units? */
  unit: 'requests' | 'cost';
  limit: number;
  /** UTC. */
  period: 'day' | 'month';
  /** Per cent, ascending. */
  warnAt: number[];
}

export interface UpstreamPolicy {
  /** Within its network. */
  index: number;
  name: string;
  /** Its place in the shared board: holds for as long as an upstream of this name and network is configured. */
  slot: number;
  /** Fallbacks are called where no primary can be. */
  tier: 'primary' | 'fallback';
  /** Relative to the others of its tier; 1 by default. */
  weight: number;
  /** Without user, password, path and query: fit for logs. */
  url: string;
  /** Without brackets. */
  host: string;
  port: number;
  /** Path and query; may hold a provider's key: not for logs. */
  path: string;
  tls: boolean;
  hostHeader: string;
  /** Where subscriptions are; secret. null: it has no WebSocket. */
  ws: { url: string; authorization: string | null } | null;
  /** HTTP/2: by ALPN over TLS, by prior knowledge else. */
  http2: boolean;
  /** PEM certificates to trust in place of the system's. */
  ca: string | null;
  /** `Basic …` or `Bearer …`, secret. */
  authorization: string | null;
  /** Secret. */
  headers: [name: string, value: string][];
  mode: 'single' | 'pipelined' | 'batched';
  /** Idle connections each worker keeps. */
  maxIdle: number;
  idleTimeoutMs: number;
  /** Connections each worker opens. */
  maxConnections: number;
  connectTimeoutMs: number;
  firstByteTimeoutMs: number;
  timeoutMs: number;
  maxResponseBytes: number;
  /** `maxWaitMs` 0: the calls of one event-loop turn. */
  batch: { maxSize: number; maxBytes: number; maxWaitMs: number };
  /** Calls in flight of all workers; 0: no bound. */
  maxInFlight: number;
  /** Calls a second, of all workers, with a burst of as many; 0: no bound. */
  requestsPerSecond: number;
  /** Patterns. It has only those allowed (all where empty), and none of those denied. */
  methods: { allowed: string[]; denied: string[] };
  /** false: it keeps the state of late blocks only; a call that another node has no state for is not sent on to it. */
  archive: boolean;
}
