/**
 * How the memory that all threads share is laid out. Fresh pages of a SharedArrayBuffer cost no resident memory
 * until they are written, so a table may be far larger than what is in use.
 *
 * Table: a header of one 64-byte line per shard, then entries of 32 bytes.
 *   line   i32 lock word · 4 bytes unused · f64 evictions · f64 entries ever used
 *   entry  u32 tagLo · u32 tagHi · i32 version · i32 state · f64 level (units) · f64 last (ticks)
 * Rules: 64 bytes a version, at the version's index.
 *   Index 0 is no version's; its word `highestAt` is the highest index that was ever used.
 *   i32 version · i32 status · f64 maxUnits · refillUnits · tokenUnits · tickMicros · burstUnits · retiredUntil (µs)
 * Quotas: 16 bytes a slot.
 *   u32 period · 4 bytes unused · f64 used
 *
 * Only where buckets are shared with other instances (`LeaseMemory`); an entry whose tick lies ahead is then a lease, and
 * its level what is left of it:
 * State: i32 away · i32 instances · f64 since when it is away (µs) · i32 rank of this one
 * Entries: 32 bytes an entry of the table.
 *   f64 rest, units in the shared bucket at the last answer; of a share with `owing`, units owed · f64 dry until (µs) · f64 low water mark (units) · f64 asked at (µs)
 * Rules: 16 bytes a version, the bucket of this instance's share.
 *   f64 max units · f64 refill units, with fractions
 * Quotas: 16 bytes a slot.
 *   f64 ceiling, what may be used; 0: nothing was granted yet · f64 low water mark: what is used when more is asked for
 */

/**
 * The numbers above. Take them with `const { tagLoAt, … } = layout` at a module's top: an exported constant is read
 * from its module's cell at each use, which made a take 10 to 15 % slower.
 */
export const layout = {
  shardCount: 64,
  /** Entries that a bucket may stand in. */
  probeWindow: 16,

  headerBytes: 4096,
  lockLineWords: 16,
  lockLineNumbers: 8,
  evictionsAt: 1,
  everUsedAt: 2,

  entryBytes: 32,
  entryWords: 8,
  entryNumbers: 4,
  tagLoAt: 0,
  tagHiAt: 1,
  versionAt: 2,
  stateAt: 3,
  levelAt: 2,
  lastAt: 3,
  /** Version of an entry that was never used: a look-up may stop there, since nothing was ever put past it. */
  neverUsed: 0,
  /** Version of an entry that is being written: free, but a look-up goes on past it. */
  unfinished: -1,
  /** State of an entry: a take used the burst, and no exceeded one came since. */
  inBurst: 1,
  /** Likewise, of leases: more was asked for, and the answer is due; somebody was refused since the last answer. */
  asked: 2,
  wanted: 4,
  /** State of an entry that is no lease: its share gave what the next lease pays for. */
  owing: 8,

  ruleBytes: 64,
  ruleWords: 16,
  ruleNumbers: 8,
  statusAt: 1,
  maxUnitsAt: 1,
  refillUnitsAt: 2,
  tokenUnitsAt: 3,
  tickMicrosAt: 4,
  burstUnitsAt: 5,
  retiredUntilAt: 6,
  highestAt: 14,
  /** The low bits of a version are its index in the rules; the high bits tell re-uses of that index apart. */
  versionIndexBits: 20,
  versionIndexMask: 0xfffff,

  quotaBytes: 16,
  quotaWords: 4,
  quotaNumbers: 2,
  usedAt: 1,

  awayWord: 0,
  instancesWord: 1,
  awaySinceAt: 1,
  rankWord: 4,
  leaseNumbers: 4,
  restAt: 0,
  dryUntilAt: 1,
  lowAt: 2,
  askedMicrosAt: 3,
  shareNumbers: 2,
  shareMaxAt: 0,
  shareRefillAt: 1,
  quotaLeaseNumbers: 2,
  ceilingAt: 0,
  quotaLowAt: 1,
  /** A low water mark: the others hold all that is left, and calls above the ceiling are refused for now. */
  quotaDry: -1,
} as const;

const { shardCount, probeWindow, headerBytes, entryBytes, ruleBytes, quotaBytes } = layout;
const VERSIONS_MAX = 2 ** layout.versionIndexBits;

/** All that a thread needs to take from the buckets; passes to a worker by structured clone. */
export interface LimitsMemory {
  table: SharedArrayBuffer;
  rules: SharedArrayBuffer;
  quotas: SharedArrayBuffer;
  /** Four words. Secret: who knows it can choose addresses that collide. */
  seed: Uint32Array;
  /** null: no other instance has these buckets. */
  leases: LeaseMemory | null;
}

/** What is kept beside buckets and quotas that are shared with other instances. */
export interface LeaseMemory {
  state: SharedArrayBuffer;
  entries: SharedArrayBuffer;
  rules: SharedArrayBuffer;
  quotas: SharedArrayBuffer;
}

export interface LimitsMemoryOptions {
  /** Buckets that can be kept at once, rounded up to a power of two, 1024 … 2^26. Twice the callers expected. */
  entries: number;
  /** Rule versions, 2 … 1,048,576 (the default): 64 bytes each, once it is used. */
  versions?: number;
  /** Default 65,536. */
  quotaSlots?: number;
  /** 16 random bytes; `savedSeed` of the last run where there is one. */
  seed: Uint32Array;
  /** Buckets and quotas are shared with other instances; default false. */
  shared?: boolean;
}

/** Fresh memory: every bucket full, no rule version, no quota used. Throws RangeError on an option out of range. */
export function createLimitsMemory(options: LimitsMemoryOptions): LimitsMemory {
  const { versions = VERSIONS_MAX, quotaSlots = 65_536, seed } = options;
  requireWithin('entries', options.entries, 1, 2 ** 26);
  requireWithin('versions', versions, 2, VERSIONS_MAX);
  requireWithin('quotaSlots', quotaSlots, 1, 2 ** 24);
  if (seed.length !== 4) throw new RangeError('seed must be four words');
  const entries = 2 ** Math.ceil(Math.log2(Math.max(options.entries, shardCount * probeWindow)));
  return {
    table: new SharedArrayBuffer(headerBytes + entries * entryBytes),
    rules: new SharedArrayBuffer(versions * ruleBytes),
    quotas: new SharedArrayBuffer(quotaSlots * quotaBytes),
    seed: Uint32Array.from(seed),
    leases: options.shared ? createLeaseMemory(entries, versions, quotaSlots) : null,
  };
}

function createLeaseMemory(entries: number, versions: number, quotaSlots: number): LeaseMemory {
  const numberBytes = 8;
  const state = new SharedArrayBuffer(3 * numberBytes);
  new Int32Array(state)[layout.instancesWord] = 1;
  return {
    state,
    entries: new SharedArrayBuffer(entries * layout.leaseNumbers * numberBytes),
    rules: new SharedArrayBuffer(versions * layout.shareNumbers * numberBytes),
    quotas: new SharedArrayBuffer(quotaSlots * layout.quotaLeaseNumbers * numberBytes),
  };
}

/** Entries of a table. */
export function entryCount(memory: LimitsMemory): number {
  return (memory.table.byteLength - headerBytes) / entryBytes;
}

function requireWithin(name: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new RangeError(`${name} must be a whole number from ${from} to ${to}, not ${value}`);
}
