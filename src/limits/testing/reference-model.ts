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

/** A full bucket is the same as none: it has no past. */
const full = (rule: ModelRule, now: bigint): ModelBucket => {
  return { rule, units: maxOf(rule), atMicros: now, inBurst: false };
};

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

export class ReferenceModel {
  readonly buckets = new Map<string, ModelBucket>();
  readonly quotas = new Map<string, number>();

  /**
   * The bucket at `now`, under `rule`: refilled by its old rule, then the ratio kept, rounded down to a unit. Only a
   * take and a change of rule are remembered: looking at a bucket leaves no trace, whatever the clock does next.
   */
  private at(name: string, rule: ModelRule, now: bigint): ModelBucket {
    const max = maxOf(rule);
    const bucket = this.refilled(this.buckets.get(name) ?? full(rule, now), now);
    const old = bucket.rule;
    if (old.requests === rule.requests && old.periodMs === rule.periodMs && old.burst === rule.burst)
      return bucket;
    // Units as the implementation counts them, without the factor that rate and period share.
    const shared = gcd(BigInt(rule.requests), tokenOf(rule));
    const units = ((bucket.units * (max / shared)) / maxOf(old)) * shared;
    const migrated = units === max ? full(rule, now) : { ...bucket, rule, units };
    this.buckets.set(name, migrated);
    return migrated;
  }

  private refilled(bucket: ModelBucket, now: bigint): ModelBucket {
    if (bucket.units === maxOf(bucket.rule)) return full(bucket.rule, now);
    if (now <= bucket.atMicros) return bucket;
    const units = bucket.units + (now - bucket.atMicros) * BigInt(bucket.rule.requests);
    return units < maxOf(bucket.rule) ? { ...bucket, units, atMicros: now } : full(bucket.rule, now);
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
      for (const i of refused) {
        const stored = this.buckets.get(links[i]!.name);
        // One that has refilled is the same as none: not even a refusal leaves a trace on it.
        if (stored !== undefined && buckets[i]!.units < maxOf(links[i]!.rule)) stored.inBurst = false;
      }
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
      links.forEach(({ name, rule, shadow }, i) => {
        if (!fits[i]) return;
        const units = buckets[i]!.units - need[i]!;
        const inBurst = !shadow && units < BigInt(rule.burst) * tokenOf(rule);
        this.buckets.set(name, { rule, units, atMicros: buckets[i]!.atMicros, inBurst });
        burst ||= inBurst;
      });
    }
    return { outcome: burst ? 'burst' : 'allowed', refused, shadowRefused, depleted: false, before };
  }
}
