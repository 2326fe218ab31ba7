import type { BucketTable } from '../buckets/bucket-table.ts';
import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import type { QuotaTable } from '../quotas/quota.ts';
import { createRuleStore } from '../buckets/rule-versions.ts';
import {
  format,
  headerAt,
  headerBytes,
  magic,
  savedBucketBytes,
  savedRuleNumbers,
  writeChecksum,
} from './state-format.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';

const { entryNumbers, entryWords, lastAt, levelAt, shardCount, stateAt, tagHiAt, tagLoAt, versionAt } =
  layout;

/** What saving and loading work on. */
export interface StateAccess {
  memory: LimitsMemory;
  table: BucketTable;
  quotas: QuotaTable;
  /** Runs `work` with the lock of a shard. */
  locked: <T>(shard: number, work: () => T) => T;
}

interface Gathered {
  shapes: BucketShape[];
  /** Of each bucket: its entry and the index of its shape. */
  buckets: { entry: number; shape: number }[];
}

interface SavedQuota {
  name: Uint8Array;
  period: number;
  used: number;
}

/** A file of what is not full now. Meant for after the workers have stopped: shards are read one after the other. */
export function saveState(
  access: StateAccess,
  nowMicros: number,
  wallMs: number,
  quotaKey: (slot: number) => string | undefined,
): Uint8Array {
  const { shapes, buckets } = gatherBuckets(access, nowMicros);
  const quotas = gatherQuotas(access, quotaKey);

  const bucketsAt = headerBytes + shapes.length * savedRuleNumbers * 8;
  const quotasAt = bucketsAt + buckets.length * savedBucketBytes;
  const length = quotas.reduce((sum, { name }) => sum + 16 + padded(name.length), quotasAt);
  const file = new Uint8Array(length);
  const words = new Uint32Array(file.buffer);
  const numbers = new Float64Array(file.buffer);

  words.set([magic, format, ...access.memory.seed, shapes.length, buckets.length]);
  numbers[headerAt.nowNumber] = nowMicros;
  numbers[headerAt.wallNumber] = wallMs;
  words[headerAt.quotas] = quotas.length;
  words[headerAt.bytes] = length;
  shapes.forEach((shape, i) => {
    numbers.set(
      [shape.maxUnits, shape.refillUnits, shape.tokenUnits, shape.tickMicros, shape.burstUnits],
      headerBytes / 8 + i * savedRuleNumbers,
    );
  });
  const { table } = access;
  buckets.forEach(({ entry, shape }, i) => {
    const from = entry * entryWords;
    const fromNumber = entry * entryNumbers;
    const to = bucketsAt + i * savedBucketBytes;
    words[to / 4] = table.words[from + tagLoAt]!;
    words[to / 4 + 1] = table.words[from + tagHiAt]!;
    words[to / 4 + 2] = shape;
    words[to / 4 + 3] = table.words[from + stateAt]!;
    // A lease that ended before it had paid for what its share gave lacks more than nothing, which no bucket does.
    numbers[to / 8 + 2] = Math.max(0, table.numbers[fromNumber + levelAt]!);
    numbers[to / 8 + 3] = nowMicros - table.numbers[fromNumber + lastAt]! * shapes[shape]!.tickMicros;
  });
  let at = quotasAt;
  for (const { name, period, used } of quotas) {
    words[at / 4] = period;
    words[at / 4 + 1] = name.length;
    numbers[at / 8 + 1] = used;
    file.set(name, at + 16);
    at += 16 + padded(name.length);
  }
  writeChecksum(file);
  return file;
}

/** Names are padded so that what follows stays aligned. */
export function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function gatherBuckets({ memory, table, locked }: StateAccess, nowMicros: number): Gathered {
  const rules = createRuleStore(memory);
  const shapes: BucketShape[] = [];
  const indexOf = new Map<number, number>();
  const buckets: Gathered['buckets'] = [];
  const shardEntries = table.entries / shardCount;
  for (let shard = 0; shard < shardCount; shard++) {
    locked(shard, () => {
      for (let entry = shard * shardEntries; entry < (shard + 1) * shardEntries; entry++) {
        if (table.lacking(entry, nowMicros) === 0) continue;
        const version = table.words[entry * entryWords + versionAt]!;
        let shape = indexOf.get(version);
        if (shape === undefined) {
          const read = rules.read(version);
          if (read === undefined) continue;
          shape = shapes.push(read) - 1;
          indexOf.set(version, shape);
        }
        buckets.push({ entry, shape });
      }
    });
  }
  return { shapes, buckets };
}

function gatherQuotas(access: StateAccess, quotaKey: (slot: number) => string | undefined): SavedQuota[] {
  const { quotas, locked } = access;
  const encoder = new TextEncoder();
  const gathered: SavedQuota[] = [];
  for (let slot = 0; slot < quotas.slots; slot++) {
    const period = quotas.storedPeriod(slot);
    if (period === 0) continue;
    const key = quotaKey(slot);
    if (key === undefined) continue;
    const used = locked(slot & 63, () => quotas.used(slot, period));
    gathered.push({ name: encoder.encode(key), period, used });
  }
  return gathered;
}
