import { entryCount, layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import { mulDivFloor, refilled } from './token-bucket.ts';

const {
  entryNumbers,
  entryWords,
  everUsedAt,
  evictionsAt,
  headerBytes,
  inBurst,
  lastAt,
  levelAt,
  lockLineNumbers,
  maxUnitsAt,
  neverUsed,
  probeWindow,
  refillUnitsAt,
  ruleNumbers,
  ruleWords,
  shardCount,
  stateAt,
  tagHiAt,
  tagLoAt,
  tickMicrosAt,
  tokenUnitsAt,
  unfinished,
  versionAt,
  versionIndexMask,
} = layout;

/** The entries of one table. Every call but `warm` and `counts` needs the lock of the tag's shard (its high six bits). */
export interface BucketTable {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  readonly ruleWords: Int32Array;
  readonly ruleNumbers: Float64Array;
  readonly entries: number;
  /** Number of the tag's entry, or −1: its bucket is full. */
  find: (tagLo: number, tagHi: number) => number;
  /**
   * Reads where the tag's entry is likely to be, without its lock: what it returns means nothing, but the line is
   * in the cache afterwards. An atomic operation lets no later read start early, so a table of which each call
   * touches a cold page waits inside the lock otherwise: 103 → 88 ns a take in 2^20 entries.
   */
  warm(tagLo: number, tagHi: number): number;
  /** Brings an entry to `version`: refilled by its own rule to now, then the fill ratio kept, rounded down. */
  migrate(entry: number, version: number, nowMicros: number): void;
  /**
   * Puts in a bucket that `find` did not find. With no place free, the bucket of the window that lacks the fewest
   * tokens is forgotten and counted: that caller gains what it lacked, nobody else anything. `keep` names entries
   * (the first `kept`) that must stay. Returns the entry.
   */
  insert(bucket: NewBucket, nowMicros: number, keep: Int32Array, kept: number): number;
  /**
   * Tokens that an entry's bucket lacks now; 0 if it is full, so that the entry is free. A lease never is, however full: to forget it would
   * cost its caller what is left of it, so it counts as that and one more.
   */
  lacking(entry: number, nowMicros: number): number;
  /** Entries used at least once and entries evicted, over all shards. */
  counts(): { everUsed: number; evictions: number };
}

export interface NewBucket {
  tagLo: number;
  tagHi: number;
  version: number;
  level: number;
  last: number;
  state: number;
}

/**
 * A thread may be ended between any two writes, so each write leaves something sound: an entry that is being put
 * in is free until its version is written last, and one that is being changed never holds more than before.
 */
export function createBucketTable(memory: LimitsMemory): BucketTable {
  const words = new Int32Array(memory.table, headerBytes);
  const numbers = new Float64Array(memory.table, headerBytes);
  const counters = new Float64Array(memory.table, 0, headerBytes / 8);
  const rules = new Int32Array(memory.rules);
  const ruleValues = new Float64Array(memory.rules);
  const ruleCount = rules.length / ruleWords;
  const entries = entryCount(memory);
  const isShared = memory.leases !== null;
  const shardEntries = entries / shardCount;
  const mask = shardEntries - 1;

  function find(tagLo: number, tagHi: number): number {
    const start = (tagHi >>> 26) * shardEntries;
    for (let probe = 0; probe < probeWindow; probe++) {
      const entry = start + ((tagLo + probe) & mask);
      const word = entry * entryWords;
      if (words[word + tagLoAt] === tagLo && words[word + tagHiAt] === tagHi) {
        const version = words[word + versionAt]!;
        if (version !== unfinished && version !== neverUsed) return entry;
      }
      if (words[word + versionAt] === neverUsed) return -1;
    }
    return -1;
  }

  function warm(tagLo: number, tagHi: number): number {
    return words[((tagHi >>> 26) * shardEntries + (tagLo & mask)) * entryWords]!;
  }

  /** Index into `ruleValues`, or −1 if the version is unknown or recycled. */
  function ruleOf(version: number): number {
    const index = version & versionIndexMask;
    return index < ruleCount && rules[index * ruleWords] === version ? index * ruleNumbers : -1;
  }

  function lacking(entry: number, nowMicros: number): number {
    const version = words[entry * entryWords + versionAt]!;
    if (version === neverUsed || version === unfinished) return 0;
    const rule = ruleOf(version);
    if (rule < 0) return 0;
    const number = entry * entryNumbers;
    const max = ruleValues[rule + maxUnitsAt]!;
    const tokenUnits = ruleValues[rule + tokenUnitsAt]!;
    const tick = Math.floor(nowMicros / ruleValues[rule + tickMicrosAt]!);
    const last = numbers[number + lastAt]!;
    if (isShared && last > tick) return numbers[number + levelAt]! / tokenUnits + 1;
    const refill = ruleValues[rule + refillUnitsAt]!;
    return (max - refilled(numbers[number + levelAt]!, last, tick, refill, max)) / tokenUnits;
  }

  function migrate(entry: number, version: number, nowMicros: number): void {
    const word = entry * entryWords;
    const number = entry * entryNumbers;
    const to = ruleOf(version);
    const max = ruleValues[to + maxUnitsAt]!;
    const tickMicros = ruleValues[to + tickMicrosAt]!;
    const old = words[word + versionAt]!;
    const from = ruleOf(old);

    let level = max;
    let sinceMicros = nowMicros;
    if (from >= 0) {
      const oldMax = ruleValues[from + maxUnitsAt]!;
      const oldTick = ruleValues[from + tickMicrosAt]!;
      const oldRefill = ruleValues[from + refillUnitsAt]!;
      // Equal in all three is equal in tokens too: the level means the same.
      if (oldMax === max && oldTick === tickMicros && oldRefill === ruleValues[to + refillUnitsAt]) {
        if (ruleValues[from + tokenUnitsAt] === ruleValues[to + tokenUnitsAt] && ruleOf(old) === from) {
          words[word + versionAt] = version;
          return;
        }
      }
      const last = numbers[number + lastAt]!;
      const tick = Math.floor(nowMicros / oldTick);
      const oldLevel = refilled(numbers[number + levelAt]!, last, tick, oldRefill, oldMax);
      // Read again: recycled while it was read means that the bucket had long been full.
      if (ruleOf(old) === from) level = mulDivFloor(oldLevel, max, oldMax);
      if (last > tick) sinceMicros = last * oldTick;
    }

    numbers[number + levelAt] = 0;
    numbers[number + lastAt] = Math.ceil(Math.floor(sinceMicros) / tickMicros);
    words[word + versionAt] = version;
    numbers[number + levelAt] = level;
    if (level === max) words[word + stateAt] = 0;
  }

  function insert(bucket: NewBucket, nowMicros: number, keep: Int32Array, kept: number): number {
    const shard = bucket.tagHi >>> 26;
    const start = shard * shardEntries;
    const line = shard * lockLineNumbers;
    let target = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let probe = 0; probe < probeWindow; probe++) {
      const entry = start + ((bucket.tagLo + probe) & mask);
      if (isKept(entry, keep, kept)) continue;
      const lacks = lacking(entry, nowMicros);
      if (lacks >= least) continue;
      least = lacks;
      target = entry;
      if (lacks === 0) break;
    }
    const word = target * entryWords;
    if (words[word + versionAt] === neverUsed) counters[line + everUsedAt]! += 1;
    if (least > 0) counters[line + evictionsAt]! += 1;

    Atomics.store(words, word + versionAt, unfinished);
    const number = target * entryNumbers;
    words[word + tagLoAt] = bucket.tagLo;
    words[word + tagHiAt] = bucket.tagHi;
    words[word + stateAt] = bucket.state & inBurst;
    numbers[number + lastAt] = bucket.last;
    numbers[number + levelAt] = bucket.level;
    Atomics.store(words, word + versionAt, bucket.version);
    return target;
  }

  function counts(): { everUsed: number; evictions: number } {
    let everUsed = 0;
    let evictions = 0;
    for (let shard = 0; shard < shardCount; shard++) {
      everUsed += counters[shard * lockLineNumbers + everUsedAt]!;
      evictions += counters[shard * lockLineNumbers + evictionsAt]!;
    }
    return { everUsed, evictions };
  }

  return {
    words,
    numbers,
    ruleWords: rules,
    ruleNumbers: ruleValues,
    entries,
    find,
    warm,
    migrate,
    insert,
    lacking,
    counts,
  };
}

export function unknownVersion(version: number): RangeError {
  return new RangeError(`rule version ${version} was never given out, or long ago`);
}

function isKept(entry: number, keep: Int32Array, kept: number): boolean {
  for (let i = 0; i < kept; i++) if (keep[i] === entry) return true;
  return false;
}
