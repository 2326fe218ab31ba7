/**
 * The arithmetic of one bucket that instances share, some of it out on lease: what the scripts of `src/redis/limits`
 * do, line by line, and what they are tested against. Whole numbers below 2^53 only, as in `token-bucket.ts`.
 *
 * Why no limit is passed. Let F be `level` and all that is out. No step raises F but a refill, which ends at
 * `maxUnits`: a grant moves units from `level` to what is out, one that leaves moves them back, a take and a report
 * of what was spent lower F. So F ≤ `maxUnits` at all times. What callers can still spend is the level and what
 * the holders have truly left, and that is F at most, since a report and the end of a lease only follow what is
 * spent or can be no more. So within any time T callers spend at most `maxUnits` and the refill of T.
 *
 * Why nothing is lost for good. What is out ends, with its `until` at the latest, and then the bucket refills to the
 * full.
 */
import { mulDivFloor, ticksUntil } from '../buckets/token-bucket.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';
import type { ExactReading, LeaseAnswer, LeaseAsk } from '../leases/lease-port.ts';

export interface SharedBucket {
  shape: BucketShape;
  /** Units. */
  level: number;
  /** Tick up to which it has refilled. */
  last: number;
  /** A take used the burst, and no refusal came since. */
  inBurst: boolean;
  /** In order of their ends. */
  out: OutOnLease[];
  /** It is to be stored. What was only looked at leaves no trace; a full bucket is stored as none. */
  written: boolean;
}

export interface OutOnLease {
  /** Name of one run of one instance: one that starts again counts its grants from 1 again, under another name. */
  holder: string;
  units: number;
  /** Microseconds of the clock of the bucket: then it has ended. */
  until: number;
  /** Of the last grant, and its units. */
  seq: number;
  granted: number;
}

/** Waits past it are not told apart: it is beyond any. */
const msMax = 2 ** 53;

export function fullBucket(shape: BucketShape, now: number): SharedBucket {
  const last = Math.ceil(now / shape.tickMicros);
  return { shape, level: shape.maxUnits, last, inBurst: false, out: [], written: false };
}

/** Brings `bucket` to `now` (µs) and to `shape`. */
export function advance(bucket: SharedBucket, shape: BucketShape, now: number): void {
  let held = unitsOut(bucket);
  for (let first = bucket.out[0]; first !== undefined && first.until <= now; first = bucket.out[0]) {
    refill(bucket, first.until, bucket.shape.maxUnits - held);
    held -= first.units;
    bucket.out.shift();
  }
  refill(bucket, now, bucket.shape.maxUnits - held);
  if (bucket.level === bucket.shape.maxUnits) {
    // The same as none: it has no past.
    bucket.level = shape.maxUnits;
    bucket.last = Math.ceil(now / shape.tickMicros);
    bucket.inBurst = false;
  } else if (!sameShape(bucket.shape, shape)) {
    reshape(bucket, shape, now);
  }
  bucket.shape = shape;
}

/** To `cap` and no further; one at its cap starts to refill at the next tick. A clock that went back refills nothing. */
function refill(at: { shape: BucketShape; level: number; last: number }, micros: number, cap: number): void {
  const { tickMicros, refillUnits } = at.shape;
  const tick = Math.floor(micros / tickMicros);
  const level = tick > at.last ? at.level + (tick - at.last) * refillUnits : at.level;
  if (level < cap) {
    at.level = level;
    if (tick > at.last) at.last = tick;
  } else {
    // Past its cap only where what is out was rounded up to another shape: it is not lowered.
    if (at.level < cap) at.level = cap;
    at.last = Math.ceil(micros / tickMicros);
  }
}

function sameShape(a: BucketShape, b: BucketShape): boolean {
  return (
    a.maxUnits === b.maxUnits &&
    a.refillUnits === b.refillUnits &&
    a.tokenUnits === b.tokenUnits &&
    a.tickMicros === b.tickMicros
  );
}

/**
 * The fill ratio is kept. Rounded against the callers: the level down, what is out up. A holder of less than a unit
 * more than there is room for thus stops the refill, and nothing else.
 */
function reshape(bucket: SharedBucket, to: BucketShape, now: number): void {
  const from = bucket.shape;
  let held = 0;
  for (const lease of bucket.out) {
    lease.units = to.maxUnits - mulDivFloor(from.maxUnits - lease.units, to.maxUnits, from.maxUnits);
    lease.granted = mulDivFloor(lease.granted, to.maxUnits, from.maxUnits);
    held += lease.units;
  }
  const level = mulDivFloor(bucket.level, to.maxUnits, from.maxUnits);
  bucket.level = Math.max(0, Math.min(level, to.maxUnits - held));
  bucket.last = Math.ceil(Math.max(now, bucket.last * from.tickMicros) / to.tickMicros);
  bucket.written = true;
  bucket.shape = to;
  refill(bucket, now, to.maxUnits - held);
}

/** `ask` of `holder` at `now` (µs). The bucket was advanced to both. */
export function lease(bucket: SharedBucket, holder: string, ask: LeaseAsk, now: number): LeaseAnswer {
  const { shape, out } = bucket;
  const at = out.findIndex((one) => one.holder === holder);
  const had = at < 0 ? undefined : out[at];
  // One that was overtaken by a later ask of the same holder: its answer is awaited by nobody.
  if (had !== undefined && ask.seq < had.seq) return answer(bucket, holder, nothing, now);
  if (had !== undefined) {
    out.splice(at, 1);
    bucket.written = true;
  }
  if (ask.leave) {
    if (had !== undefined) bucket.level += Math.min(had.units, ask.unspent);
    return answer(bucket, holder, nothing, now);
  }
  let granted: number;
  let units: number;
  if (had !== undefined && ask.seq === had.seq) {
    granted = wholeTokens(had.granted, shape);
    units = Math.min(had.units, ask.unspent + granted);
  } else {
    const there = wholeTokens(bucket.level, shape);
    granted = there < ask.least ? 0 : Math.min(ask.want, there);
    units = granted + (had === undefined ? 0 : Math.min(had.units, ask.unspent));
    bucket.level -= granted;
  }
  if (units > 0) {
    const until = Math.max(had?.until ?? 0, now + ask.ttlMs * 1000);
    const later = out.findIndex((one) => one.until > until);
    out.splice(later < 0 ? out.length : later, 0, { holder, units, until, seq: ask.seq, granted });
    bucket.written = true;
  }
  return answer(bucket, holder, { ...ask, granted }, now);
}

function wholeTokens(units: number, shape: BucketShape): number {
  return Math.floor(units / shape.tokenUnits) * shape.tokenUnits;
}

const nothing = { granted: 0, want: 0, least: 0 };

function answer(
  bucket: SharedBucket,
  holder: string,
  { granted, want, least }: typeof nothing,
  now: number,
): LeaseAnswer {
  const next = Math.max(bucket.shape.tokenUnits, granted < least ? least : 0);
  const waitMs = granted < want ? toMs(microsUntil(bucket, next, now, holder)) : 0;
  return { granted, rest: bucket.level, waitMs };
}

/**
 * Takes `cost` tokens from all or from none, as `Buckets.take` does. All were advanced to `now`
 * (µs).
 */
export function take(buckets: readonly SharedBucket[], cost: number, now: number): ExactReading {
  const before: number[] = [];
  let refused = 0;
  let bursting = 0;
  let depleted = false;
  let wait = 0;
  buckets.forEach((bucket, i) => {
    const { level, shape } = bucket;
    const need = cost * shape.tokenUnits;
    before[i] = level;
    if (level >= need) {
      if (cost > 0 && level - need < shape.burstUnits) bursting |= 1 << i;
    } else {
      refused |= 1 << i;
      if (bucket.inBurst) depleted = true;
      wait = Math.max(wait, microsUntil(bucket, need, now));
    }
  });
  buckets.forEach((bucket, i) => {
    if (refused === 0 && cost > 0) {
      bucket.level = before[i]! - cost * bucket.shape.tokenUnits;
      bucket.inBurst = (bursting & (1 << i)) !== 0;
      bucket.written = true;
    } else if ((refused & (1 << i)) !== 0 && bucket.inBurst) {
      bucket.inBurst = false;
      bucket.written = true;
    }
  });
  return { refused, bursting: refused === 0 ? bursting : 0, depleted, before, retryAfterMs: toMs(wait) };
}

/**
 * Microseconds until the bucket holds `need`, if nobody takes and each keeps what it has until its end; all but
 * `free`, who will have spent it. Infinity if it never does.
 */
function microsUntil(bucket: SharedBucket, need: number, now: number, free?: string): number {
  const { shape } = bucket;
  if (bucket.level >= need) return 0;
  const at = { shape, level: bucket.level, last: bucket.last };
  let held = unitsOut(bucket, free);
  for (const one of bucket.out) {
    if (one.holder === free) continue;
    if (shape.maxUnits - held >= need) {
      const micros = microsAt(at, need);
      if (micros <= one.until) return Math.max(0, micros - now);
    }
    refill(at, one.until, shape.maxUnits - held);
    held -= one.units;
  }
  return Math.max(0, microsAt(at, need) - now);
}

function microsAt(at: { shape: BucketShape; level: number; last: number }, need: number): number {
  const { refillUnits, maxUnits, tickMicros } = at.shape;
  return (at.last + ticksUntil(need, at.level, refillUnits, maxUnits)) * tickMicros;
}

function unitsOut(bucket: SharedBucket, but?: string): number {
  let units = 0;
  for (const one of bucket.out) if (one.holder !== but) units += one.units;
  return units;
}

/** Until when the bucket is to be kept, at least: then it is full, and nothing is out. Milliseconds from `now`. */
export function keepMs(bucket: SharedBucket, now: number): number {
  const { maxUnits, refillUnits, tickMicros } = bucket.shape;
  const ended = bucket.out.at(-1)?.until ?? 0;
  const from = Math.max(now, ended, bucket.last * tickMicros);
  const micros = from + (Math.ceil((maxUnits - bucket.level) / refillUnits) + 1) * tickMicros - now;
  return Math.min(keepMsMax, Math.ceil(micros / 1000) + keepMarginMs);
}

const keepMarginMs = 1000;
/** Ten years: a bucket that takes longer is full after it. */
const keepMsMax = 315_360_000_000;

function toMs(micros: number): number {
  return micros === Number.POSITIVE_INFINITY ? micros : Math.min(msMax, Math.ceil(micros / 1000));
}
