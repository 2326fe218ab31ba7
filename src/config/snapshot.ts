/**
 * What the workers are given: the config compiled to numbers. Plain data for `postMessage`, but for shared memory. Holds
 * upstreams' credentials and no key.
 */
export interface PolicySnapshot {
  /** Counts up with every compile of one process. */
  generation: number;
  networks: NetworkPolicy[];
  server: ServerPolicy;
  identity: { anonymous: 'allow' | 'deny'; ipv6Prefix: number };
  methods: MethodsPolicy;
  /** All rules; a rule's place is its number. */
  rules: RulePolicy[];
  /** Of all callers. */
  defaults: RuleSet;
  /** Distinct sets of keys' own rules; 0 is empty. */
  ruleSets: RuleSet[];
  /** By number of a rule set: keys that share one have the same quota. The slot counted in is the key's number. */
  keyQuotas: (QuotaPolicy | null)[];
  ceilings: CeilingPolicy[];
  /** See `identity`: SHA-256 → key number, rule set, flags. */
  keyIndex: SharedArrayBuffer;
  limitHeaders: 'standard' | 'both' | 'none';
  explain: { keepMs: number; sample: number; maxRecords: number };
  logging: { accessSample: number };
}

export interface NetworkPolicy {
  index: number;
  name: string;
  /** `/` or `/eth`. */
  path: string;
  upstreams: UpstreamPolicy[];
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

/** Patterns: `*` stands for anything; see `matchMethod`. */
export interface MethodsPolicy {
  groups: { name: string; patterns: string[] }[];
  costs: { pattern: string; cost: number }[];
  blocked: string[];
  /** May share an upstream batch. */
  cheap: string[];
  /** Never pipelined, batched or retried. */
  unsafe: string[];
}

/** Rules by what they match; a pattern or group with several rules stands there as often, in order. */
export interface RuleSet {
  methods: [pattern: string, rule: number][];
  groups: [group: string, rule: number][];
  all: number[];
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
  /** Without user, password, path and query: fit for logs. */
  url: string;
  /** Without brackets. */
  host: string;
  port: number;
  /** Path and query; may hold a provider's key: not for logs. */
  path: string;
  tls: boolean;
  hostHeader: string;
  /** `Basic …`, secret. */
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
  batch: { maxSize: number; maxBytes: number };
}
