import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import { createShareWriter } from '../leases/shares.ts';
import { bucketShape } from './token-bucket.ts';
import type { BucketShape, RuleParams } from './token-bucket.ts';

const {
  burstUnitsAt,
  highestAt,
  maxUnitsAt,
  neverUsed,
  refillUnitsAt,
  retiredUntilAt,
  ruleBytes,
  ruleNumbers,
  ruleWords,
  statusAt,
  tickMicrosAt,
  tokenUnitsAt,
  versionIndexBits,
  versionIndexMask,
} = layout;

/** Gives each pair of scope and parameters its number. Main only, one for a memory. */
export interface RuleVersions {
  /**
   * The version to name in a policy snapshot; workers may use it as soon as it is returned. The same pair keeps
   * its version until it was retired and recycled. Throws RangeError if the parameters fit no bucket (see
   * `bucketShape`: check a config before) or if there is no number left.
   */
  versionOf(scope: string, params: RuleParams): number;
  /** One object a version, so that asks for many buckets of a rule tell it once; undefined if the version is unknown or recycled. */
  shapeOf(version: number): BucketShape | undefined;
  /**
   * Call when every worker has swapped to a snapshot that names only `used`. The others are retired: they stay
   * valid for a full refill and a minute, so that entries are migrated by their parameters; then they are recycled.
   */
  retireExcept(used: Pick<ReadonlySet<number>, 'has'>, nowMicros: number): void;
}

const unused = 0;
const live = 1;
const retired = 2;
/** A worker that is slow to swap its snapshot may still name a retired version. */
const graceMicros = 60_000_000;
/** A version is a positive 32-bit number. */
const generationMax = 2 ** (31 - versionIndexBits) - 1;

export function createRuleVersions(memory: LimitsMemory): RuleVersions {
  const store = createRuleStore(memory);
  const byRule = new Map<string, number>();
  const known = new Map<number, { rule: string; shape: BucketShape }>();

  return {
    versionOf(scope, params) {
      const rule = `${params.requests} ${params.periodMs} ${params.burst} ${scope}`;
      const version = byRule.get(rule);
      if (version !== undefined) {
        store.revive(version);
        return version;
      }
      const shape = bucketShape(params);
      if (shape === undefined) throw new RangeError(`no bucket holds ${JSON.stringify(params)} exactly`);
      const fresh = store.add(shape);
      byRule.set(rule, fresh);
      known.set(fresh, { rule, shape });
      return fresh;
    },
    shapeOf: (version) => known.get(version)?.shape,
    retireExcept(used, nowMicros) {
      for (const version of known.keys()) {
        if (!used.has(version)) store.retire(version, nowMicros);
      }
      for (const version of store.recycle(nowMicros)) {
        const found = known.get(version);
        if (found === undefined) continue;
        known.delete(version);
        byRule.delete(found.rule);
      }
    },
  };
}

/**
 * The shapes in shared memory, written by main alone. Several of one memory may add; what one recycles it alone gives
 * again.
 */
export interface RuleStore {
  /** Versions that can still be added. */
  free(): number;
  add(shape: BucketShape): number;
  retire(version: number, nowMicros: number): void;
  revive(version: number): void;
  /** Frees the retired whose time is over; returns them. */
  recycle(nowMicros: number): number[];
  /** undefined if the version is unknown or recycled. */
  read(version: number): BucketShape | undefined;
}

export function createRuleStore(memory: LimitsMemory): RuleStore {
  const words = new Int32Array(memory.rules);
  const numbers = new Float64Array(memory.rules);
  const count = memory.rules.byteLength / ruleBytes;
  const writeShare = createShareWriter(memory);
  /** Recycled, the longest ago first: an index that is used again and again runs through its generations. */
  const freed = new Set<number>();

  /** Index 0 is never given out, so that no version is `neverUsed`. */
  function freeIndex(): number {
    const [oldest] = freed;
    if (oldest !== undefined) {
      freed.delete(oldest);
      return oldest;
    }
    const next = words[highestAt]! + 1;
    if (next >= count) throw new RangeError(`more than ${count - 1} different limits are in use at once`);
    words[highestAt] = next;
    return next;
  }

  return {
    free: () => count - 1 - words[highestAt]! + freed.size,
    add(shape) {
      const index = freeIndex();
      const word = index * ruleWords;
      const number = index * ruleNumbers;
      const generation = (words[word]! >>> versionIndexBits) % generationMax;
      // A worker that reads meanwhile sees the number change and takes the version for unknown.
      Atomics.store(words, word, (generation << versionIndexBits) | 0);
      numbers[number + maxUnitsAt] = shape.maxUnits;
      numbers[number + refillUnitsAt] = shape.refillUnits;
      numbers[number + tokenUnitsAt] = shape.tokenUnits;
      numbers[number + tickMicrosAt] = shape.tickMicros;
      numbers[number + burstUnitsAt] = shape.burstUnits;
      writeShare(index, shape);
      words[word + statusAt] = live;
      const version = ((generation + 1) << versionIndexBits) | index;
      Atomics.store(words, word, version);
      return version;
    },
    retire(version, nowMicros) {
      const index = version & versionIndexMask;
      const word = index * ruleWords;
      if (words[word] !== version || words[word + statusAt] !== live) return;
      const number = index * ruleNumbers;
      const fullTicks = Math.ceil(numbers[number + maxUnitsAt]! / numbers[number + refillUnitsAt]!);
      numbers[number + retiredUntilAt] =
        nowMicros + (fullTicks + 1) * numbers[number + tickMicrosAt]! + graceMicros;
      words[word + statusAt] = retired;
    },
    revive(version) {
      const word = (version & versionIndexMask) * ruleWords;
      if (words[word] === version && words[word + statusAt] === retired) words[word + statusAt] = live;
    },
    recycle(nowMicros) {
      const gone: number[] = [];
      for (let index = 1; index <= words[highestAt]!; index++) {
        const word = index * ruleWords;
        if (words[word + statusAt] !== retired) continue;
        if (numbers[index * ruleNumbers + retiredUntilAt]! > nowMicros) continue;
        gone.push(words[word]!);
        // The number stays until the index is used again: an entry of it is full either way.
        words[word + statusAt] = unused;
        freed.add(index);
      }
      return gone;
    },
    read(version) {
      const index = version & versionIndexMask;
      if (version === neverUsed || index >= count || words[index * ruleWords] !== version) return undefined;
      const number = index * ruleNumbers;
      return {
        maxUnits: numbers[number + maxUnitsAt]!,
        refillUnits: numbers[number + refillUnitsAt]!,
        tokenUnits: numbers[number + tokenUnitsAt]!,
        tickMicros: numbers[number + tickMicrosAt]!,
        burstUnits: numbers[number + burstUnitsAt]!,
      };
    },
  };
}
