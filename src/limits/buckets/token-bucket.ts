/**
 * The arithmetic of one token bucket: pure, on whole numbers below 2^53 only, so that every step is exact in a
 * double and a script elsewhere (Lua numbers are doubles too) can mirror it line by line.
 *
 * `buckets.ts` spells `refilled` and `ticksUntil` out on its hot path; the same BigInt models hold both to account.
 *
 * A level is counted in units. One token is `tokenUnits` units and one tick of `tickMicros` refills
 * `refillUnits` of them, so neither a token nor a tick is ever a fraction.
 */

/** What a rule says: a bucket of `requests + burst` tokens, refilled continuously at `requests / periodMs`. */
export interface RuleParams {
  /** Tokens refilled per period. Whole, 1 … 1e9. */
  requests: number;
  /** Milliseconds. Whole, 1 … 366 days. */
  periodMs: number;
  /** Tokens beyond `requests`. Whole, 0 … 1e9. */
  burst: number;
}

/** A rule in whole units and ticks. */
export interface BucketShape {
  /** Units of a full bucket, at most 2^52. */
  maxUnits: number;
  /** Units refilled by one tick. */
  refillUnits: number;
  /** Units of one token. */
  tokenUnits: number;
  /** Microseconds of one tick, a power of ten. */
  tickMicros: number;
  /** Units that must be left after a take for it to count as allowed and not as burst. */
  burstUnits: number;
}

const unitsMax = 2 ** 52;
const tokensMax = 1e9;
const periodMsMax = 366 * 86_400_000;
/** A tick is at most this part of its period, so that a coarse one still refills smoothly. */
const ticksPerPeriodMin = 1000;

/**
 * The finest shape that holds `rule` exactly: ticks of 1 µs, or of 10, 100, … µs where a full bucket would pass
 * 2^52 units. undefined if a parameter is out of its range or no tick fits (only with more than about 10^5
 * tokens that share no factor with a long period).
 */
export function bucketShape(rule: RuleParams): BucketShape | undefined {
  const { requests, periodMs, burst } = rule;
  if (!isWhole(requests, 1, tokensMax) || !isWhole(burst, 0, tokensMax)) return undefined;
  if (!isWhole(periodMs, 1, periodMsMax)) return undefined;
  const periodMicros = periodMs * 1000;
  for (let tickMicros = 1; periodMicros % tickMicros === 0; tickMicros *= 10) {
    const ticks = periodMicros / tickMicros;
    if (tickMicros > 1 && ticks < ticksPerPeriodMin) return undefined;
    const shared = greatestCommonDivisor(requests, ticks);
    const tokenUnits = ticks / shared;
    const maxUnits = tokenUnits * (requests + burst);
    if (maxUnits > unitsMax) continue;
    return {
      maxUnits,
      refillUnits: requests / shared,
      tokenUnits,
      tickMicros,
      burstUnits: tokenUnits * burst,
    };
  }
  return undefined;
}

/**
 * Level at `tick` of a bucket that held `level` at tick `last`. A clock that went back refills nothing.
 * Exact: a product past 2^53 may be rounded, but then it is past `maxUnits` by far.
 */
export function refilled(
  level: number,
  last: number,
  tick: number,
  refillUnits: number,
  maxUnits: number,
): number {
  if (tick <= last) return level;
  const now = level + (tick - last) * refillUnits;
  return now < maxUnits ? now : maxUnits;
}

/** Ticks, from the tick at which the bucket held `level`, until it holds `need`. Infinity if it never does. */
export function ticksUntil(need: number, level: number, refillUnits: number, maxUnits: number): number {
  return need > maxUnits ? Number.POSITIVE_INFINITY : Math.ceil((need - level) / refillUnits);
}

/**
 * floor(a × b / m) without a product past 2^53, for 0 ≤ a ≤ m, 0 ≤ b ≤ 2^52, 0 < m ≤ 2^52: long multiplication
 * in binary that keeps quotient and remainder. Keeps a bucket's fill ratio when its rule changes; rounded down,
 * so that a reload mints nothing.
 */
export function mulDivFloor(a: number, b: number, m: number): number {
  if (a >= m) return b;
  let quotient = 0;
  let remainder = 0;
  let rest = b;
  for (let bit = unitsMax; bit >= 1; bit /= 2) {
    quotient *= 2;
    remainder *= 2;
    if (remainder >= m) {
      remainder -= m;
      quotient += 1;
    }
    if (rest >= bit) {
      rest -= bit;
      remainder += a;
      if (remainder >= m) {
        remainder -= m;
        quotient += 1;
      }
    }
  }
  return quotient;
}

/** Whole seconds, rounded up, in which an empty bucket refills: `w` of RateLimit-Policy. */
export function fullRefillSeconds(rule: RuleParams): number {
  return refillSeconds(rule, 0);
}

/** Whole seconds, rounded up, until a bucket that holds `tokens` is full: `t` of RateLimit. */
export function refillSeconds(rule: RuleParams, tokens: number): number {
  const lacking = Math.max(0, rule.requests + rule.burst - tokens);
  return Math.ceil((lacking * rule.periodMs) / rule.requests / 1000);
}

function isWhole(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to;
}

function greatestCommonDivisor(a: number, b: number): number {
  let [big, small] = [a, b];
  while (small !== 0) [big, small] = [small, big % small];
  return big;
}
