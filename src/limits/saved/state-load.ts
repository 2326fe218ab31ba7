import { layout } from '../memory.ts';
import { createRuleStore } from '../buckets/rule-versions.ts';
import type { RuleStore } from '../buckets/rule-versions.ts';
import { headerAt, headerBytes, openFile, savedBucketBytes, savedRuleNumbers } from './state-format.ts';
import type { SavedStateProblem } from './state-format.ts';
import { padded } from './state-save.ts';
import type { StateAccess } from './state-save.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';

const { ceilingAt, inBurst, neverUsed, quotaLeaseNumbers } = layout;

export type LoadResult =
  | { ok: true; buckets: number; quotas: number }
  | { ok: false; reason: SavedStateProblem };

/** A file that was read and found sound, all of it, before anything is changed. */
interface SavedState {
  nowMicros: number;
  wallMs: number;
  shapes: BucketShape[];
  buckets: { tagLo: number; tagHi: number; shape: number; state: number; level: number; ageMicros: number }[];
  quotas: { key: string; period: number; used: number }[];
}

/**
 * Puts saved buckets and quotas back. The buckets refill for the time that passed: by the wall clock, but not more
 * than the monotonic one says where it has not been reset by a reboot; a wall clock that was set back refills
 * nothing.
 */
export function loadState(
  access: StateAccess,
  file: Uint8Array,
  nowMicros: number,
  wallMs: number,
  quotaSlot: (key: string) => number | undefined,
): LoadResult {
  const saved = readState(file, access.memory.seed);
  if (typeof saved === 'string') return { ok: false, reason: saved };
  const rules = createRuleStore(access.memory);
  if (rules.free() < saved.shapes.length) return { ok: false, reason: 'of more limits than fit' };

  const byWall = Math.max(0, (wallMs - saved.wallMs) * 1000);
  const elapsedMicros = nowMicros >= saved.nowMicros ? Math.min(byWall, nowMicros - saved.nowMicros) : byWall;
  const buckets = restoreBuckets(access, rules, saved, nowMicros, elapsedMicros);

  // What was used before is known, and a share is of the rest.
  const ceilings = access.memory.leases && new Float64Array(access.memory.leases.quotas);
  let quotas = 0;
  for (const { key, period, used } of saved.quotas) {
    const slot = quotaSlot(key);
    if (slot === undefined || !(slot >= 0 && slot < access.quotas.slots)) continue;
    access.locked(slot & 63, () => {
      access.quotas.reset(slot, period, used);
      if (ceilings !== null) ceilings[slot * quotaLeaseNumbers + ceilingAt] = used;
    });
    quotas += 1;
  }
  return { ok: true, buckets, quotas };
}

/** The saved rules get versions that are retired at once: a bucket's first touch migrates it to the new config's. */
function restoreBuckets(
  { table, locked }: StateAccess,
  rules: RuleStore,
  saved: SavedState,
  nowMicros: number,
  elapsedMicros: number,
): number {
  const versions = saved.shapes.map((shape) => rules.add(shape));
  for (const version of versions) rules.retire(version, nowMicros);
  const nothingKept = new Int32Array(0);
  let restored = 0;
  for (const { tagLo, tagHi, shape, state, level, ageMicros } of saved.buckets) {
    const { tickMicros } = saved.shapes[shape]!;
    const last = Math.ceil((nowMicros - elapsedMicros - ageMicros) / tickMicros);
    locked(tagHi >>> 26, () => {
      if (table.find(tagLo, tagHi) >= 0) return;
      const bucket = { tagLo, tagHi, version: versions[shape]!, level, last, state };
      table.insert(bucket, nowMicros, nothingKept, 0);
      restored += 1;
    });
  }
  return restored;
}

function readState(file: Uint8Array, seed: Uint32Array): SavedState | SavedStateProblem {
  const opened = openFile(file);
  if (typeof opened === 'string') return opened;
  const words = new Uint32Array(opened.buffer);
  const numbers = new Float64Array(opened.buffer);
  if (seed.some((word, i) => words[headerAt.seed + i] !== word)) return 'of another seed';

  const shapes: BucketShape[] = [];
  for (let rule = 0; rule < words[headerAt.rules]!; rule++) {
    const at = headerBytes / 8 + rule * savedRuleNumbers;
    const [maxUnits, refillUnits, tokenUnits, tickMicros, burstUnits] = numbers.subarray(
      at,
      at + savedRuleNumbers,
    );
    shapes.push({
      maxUnits: maxUnits!,
      refillUnits: refillUnits!,
      tokenUnits: tokenUnits!,
      tickMicros: tickMicros!,
      burstUnits: burstUnits!,
    });
  }

  const buckets: SavedState['buckets'] = [];
  const bucketsAt = headerBytes + shapes.length * savedRuleNumbers * 8;
  for (let i = 0; i < words[headerAt.buckets]!; i++) {
    const at = bucketsAt + i * savedBucketBytes;
    const shape = words[at / 4 + 2]!;
    const level = numbers[at / 8 + 2]!;
    const ageMicros = numbers[at / 8 + 3]!;
    if (shape >= shapes.length || !(level >= 0 && level < shapes[shape]!.maxUnits)) return 'damaged';
    if (!Number.isFinite(ageMicros)) return 'damaged';
    buckets.push({
      tagLo: words[at / 4]! | 0,
      tagHi: words[at / 4 + 1]! | 0,
      shape,
      state: words[at / 4 + 3]! & inBurst,
      level,
      ageMicros,
    });
  }

  const quotas = readQuotas(opened, bucketsAt + buckets.length * savedBucketBytes, words[headerAt.quotas]!);
  const nowMicros = numbers[headerAt.nowNumber]!;
  const wallMs = numbers[headerAt.wallNumber]!;
  return quotas === undefined ? 'damaged' : { nowMicros, wallMs, shapes, buckets, quotas };
}

function readQuotas(file: Uint8Array, from: number, count: number): SavedState['quotas'] | undefined {
  const view = new Uint32Array(file.buffer);
  const numbers = new Float64Array(file.buffer);
  const decoder = new TextDecoder();
  const quotas: SavedState['quotas'] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const period = view[at / 4];
    const length = view[at / 4 + 1];
    const used = numbers[at / 8 + 1];
    if (period === undefined || period === neverUsed || length === undefined || used === undefined)
      return undefined;
    quotas.push({ key: decoder.decode(file.subarray(at + 16, at + 16 + length)), period, used });
    at += 16 + padded(length);
  }
  return at === file.length ? quotas : undefined;
}
