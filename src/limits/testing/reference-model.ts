/**
 * Token buckets as the product's page says them, in BigInt, one map entry a bucket and no cleverness: a token is
 * `periodMicros` units, a microsecond refills `requests` units. For the property tests.
 */
export interface ModelRule {
  requests: number;
  periodMs: number;
  burst: number;
}

export interface ModelBucket {
  rule: ModelRule;
  units: bigint;
  atMicros: bigint;
  inBurst: boolean;
}

export interface ModelLink {
  name: string;
  rule: ModelRule;
  shadow: boolean;
}

export interface ModelQuota {
  name: string;
  limit: number;
  cost: number;
}

export interface ModelResult {
  outcome: 'allowed' | 'burst' | 'exceeded' | 'quota';
  refused: number[];
  shadowRefused: number[];
  depleted: boolean;
  /** Units left and units of a token, by link. */
  before: [bigint, bigint][];
}

const tokenOf = (rule: ModelRule): bigint => BigInt(rule.periodMs) * 1000n;
const maxOf = (rule: ModelRule): bigint => BigInt(rule.requests + rule.burst) * tokenOf(rule);

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

export class ReferenceModel {
  readonly buckets = new Map<string, ModelBucket>();
  readonly quotas = new Map<string, number>();

  /** The bucket at `now`, under `rule`: refilled by its old rule, then the ratio kept, rounded down to a unit. */
  private at(name: string, rule: ModelRule, now: bigint): ModelBucket {
    const max = maxOf(rule);
    const bucket = this.buckets.get(name) ?? { rule, units: max, atMicros: now, inBurst: false };
    this.buckets.set(name, bucket);
    this.refill(bucket, now);
    const old = bucket.rule;
    if (old.requests !== rule.requests || old.periodMs !== rule.periodMs || old.burst !== rule.burst) {
      // Units as the implementation counts them, without the factor that rate and period share.
      const shared = gcd(BigInt(rule.requests), tokenOf(rule));
      bucket.units = ((bucket.units * (max / shared)) / maxOf(old)) * shared;
      bucket.rule = rule;
      if (bucket.units === max) bucket.inBurst = false;
    }
    return bucket;
  }

  private refill(bucket: ModelBucket, now: bigint): void {
    const max = maxOf(bucket.rule);
    // A full bucket is the same as none: it has no past.
    if (bucket.units === max) bucket.atMicros = now;
    if (now <= bucket.atMicros) return;
    bucket.units += (now - bucket.atMicros) * BigInt(bucket.rule.requests);
    bucket.atMicros = now;
    if (bucket.units < max) return;
    bucket.units = max;
    bucket.inBurst = false;
  }

  take(links: ModelLink[], cost: number, nowMicros: number, quota?: ModelQuota): ModelResult {
    const buckets = links.map(({ name, rule }) => this.at(name, rule, BigInt(nowMicros)));
    const need = links.map(({ rule }) => BigInt(cost) * tokenOf(rule));
    const before = links.map(({ rule }, i): [bigint, bigint] => [buckets[i]!.units, tokenOf(rule)]);
    const fits = links.map((_, i) => buckets[i]!.units >= need[i]!);
    const refused = links.flatMap(({ shadow }, i) => (!shadow && !fits[i] ? [i] : []));
    const shadowRefused = links.flatMap(({ shadow }, i) => (shadow && !fits[i] ? [i] : []));
    if (refused.length > 0) {
      const depleted = refused.some((i) => buckets[i]!.inBurst);
      for (const i of refused) buckets[i]!.inBurst = false;
      return { outcome: 'exceeded', refused, shadowRefused, depleted, before };
    }
    if (quota !== undefined) {
      const used = this.quotas.get(quota.name) ?? 0;
      if (used + quota.cost > quota.limit) {
        return { outcome: 'quota', refused, shadowRefused, depleted: false, before };
      }
      this.quotas.set(quota.name, used + quota.cost);
    }
    let burst = false;
    if (cost > 0) {
      links.forEach(({ rule, shadow }, i) => {
        if (!fits[i]) return;
        const bucket = buckets[i]!;
        bucket.units -= need[i]!;
        bucket.inBurst = !shadow && bucket.units < BigInt(rule.burst) * tokenOf(rule);
        burst ||= bucket.inBurst;
      });
    }
    return { outcome: burst ? 'burst' : 'allowed', refused, shadowRefused, depleted: false, before };
  }
}
