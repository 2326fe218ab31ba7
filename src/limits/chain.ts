/** Links of one chain at most: a rule, four kinds of ceiling and shadows are far from it. */
export const linksMax = 16;

/** Quotas of one chain at most: a key's and its user's. */
export const quotasMax = 2;

/**
 * `Chain.outcome`. `cold`: not decided, since the instance holds no lease of a bucket or a quota; only where buckets are shared with other
 * instances.
 */
export const outcomes = { allowed: 0, burst: 1, exceeded: 2, quota: 3, cold: 4 } as const;

const none = -1;

/**
 * The buckets and the quotas that one call takes from, and what came of it. One per thread, reused for each call:
 * `reset`, `add` …, `buckets.take`, read the results. Nothing is allocated. Results hold until the next `reset`.
 */
export class Chain {
  /** Links added since the reset, shadows included; the index of a link is the order it was added in. */
  links = 0;
  /** One of `outcomes`. Burst if any enforced link is in its burst. */
  outcome: number = outcomes.allowed;
  /** First enforced link, as added, that refused; −1 if none did (a quota's refusal too). */
  failing = none;
  /** Bits of all enforced links that refused. */
  refused = 0;
  /** Bits of the enforced links that the take left in their burst. */
  bursting = 0;
  /** Bits of the shadow links that would have refused. */
  shadowRefused = 0;
  /** This refusal is the first by a bucket since a take used its burst (`burst.depleted`). */
  depleted = false;
  /**
   * Milliseconds, rounded up, until every enforced bucket holds the cost, if nobody else takes meanwhile; 0 if the
   * call passed. Infinity if a bucket never can, and for a quota: its period ends when the wall clock says.
   */
  retryAfterMs = 0;
  /**
   * To be set after `reset` for a call that waited for a lease in vain, or may not wait: what has none is decided by the instance's share. With
   * buckets that no other instance has it means nothing.
   */
  sharing = false;
  /**
   * What the share gives while leases are to be had is paid for by the next one. False, until it is set otherwise: of these buckets
   * there are no leases.
   */
  owes = true;
  /** Bits of the links for which there is no lease: of those enforced with the outcome `cold`, of shadows with any. */
  cold = 0;
  /** Bits of the links whose lease runs low: to be asked for, once, by whoever took. */
  low = 0;
  /** Bits of the quotas for which there is no lease (outcome `cold`), or whose lease runs low (any other). */
  coldQuotas = 0;
  lowQuotas = 0;
  /** Quotas added since the reset; the index of a quota is the order it was added in. */
  quotas = 0;
  /** First quota, as added, that refused; −1 if none did. */
  failingQuota = none;
  /** Used in each quota's period after the call. */
  readonly quotaUsed = new Float64Array(quotasMax);
  /**
   * The period the call counted in, what a refund must name: later than the one asked for where another thread saw
   * midnight first.
   */
  readonly quotaPeriod = new Float64Array(quotasMax);
  /** Tokens in each link's bucket before and after the call; fractions of a token are real. */
  readonly before = new Float64Array(linksMax);
  readonly after = new Float64Array(linksMax);

  /** @internal What `take` reads: tokens the call costs, and for each link its tag, version and kind. */
  cost = 1;
  readonly tagLo = new Int32Array(linksMax);
  readonly tagHi = new Int32Array(linksMax);
  readonly versions = new Int32Array(linksMax);
  shadows = 0;
  /** @internal Shards to lock, as bits. */
  shardsLow = 0;
  shardsHigh = 0;
  /** @internal Of each quota. */
  readonly quotaSlot = new Int32Array(quotasMax);
  readonly quotaLimit = new Float64Array(quotasMax);
  readonly quotaCost = new Float64Array(quotasMax);
  /** @internal Between deciding and committing: the entry found for each link (−1: none), its units and its tick. */
  readonly entries = new Int32Array(linksMax);
  readonly levels = new Float64Array(linksMax);
  readonly lasts = new Float64Array(linksMax);
  /** @internal Means nothing: see `BucketTable.warm`. */
  warmth = 0;

  /** Starts a call of `cost` tokens: a whole number; 0 takes nothing and is allowed by every bucket. */
  reset(cost: number): void {
    if (!(cost >= 0 && cost === Math.floor(cost)))
      throw new RangeError(`cost must be a whole number, not ${cost}`);
    this.cost = cost;
    this.links = 0;
    this.shadows = 0;
    this.shardsLow = 0;
    this.shardsHigh = 0;
    this.quotas = 0;
    this.sharing = false;
  }

  /** An enforced link: the bucket of this caller under this scope (both `Hash64`), by the rule of `version`. */
  add(callerLo: number, callerHi: number, scopeLo: number, scopeHi: number, version: number): void {
    const link = this.links;
    if (link === linksMax) throw new RangeError(`a call takes from at most ${linksMax} buckets`);
    // Not symmetric in caller and scope. The high six bits choose the shard and are the caller's own, so that a
    // caller's buckets need one lock: a chain of two then takes 2 atomic operations and not 4.
    let lo = ((callerLo | 0) + (scopeHi | 0)) | 0;
    let hi = callerHi ^ ((scopeLo << 16) | (scopeLo >>> 16));
    hi ^= Math.imul(lo ^ (lo >>> 16), 0x85ebca6b);
    lo ^= Math.imul(hi ^ (hi >>> 13), 0xc2b2ae35);
    hi = (hi & 0x03ff_ffff) | (callerHi & 0xfc00_0000);
    this.tagLo[link] = lo;
    this.tagHi[link] = hi;
    this.versions[link] = version;
    this.links = link + 1;
    this.touch(hi >>> 26);
  }

  /**
   * A shadow link: decided on its own bucket, refuses nothing. It takes where it would admit and the call passes
   * all enforced links and quotas.
   */
  addShadow(callerLo: number, callerHi: number, scopeLo: number, scopeHi: number, version: number): void {
    this.shadows |= 1 << this.links;
    this.add(callerLo, callerHi, scopeLo, scopeHi, version);
  }

  /** A quota of the call, in a slot of its own: `cost` more may not pass `limit` in the period (`quotaPeriod().id`). */
  quota(slot: number, periodId: number, limit: number, cost: number): void {
    const quota = this.quotas;
    if (quota === quotasMax) throw new RangeError(`a call counts in at most ${quotasMax} quotas`);
    this.quotaSlot[quota] = slot;
    this.quotaPeriod[quota] = periodId;
    this.quotaLimit[quota] = limit;
    this.quotaCost[quota] = cost;
    this.quotas = quota + 1;
    this.touch(slot & 63);
  }

  private touch(shard: number): void {
    if (shard < 32) this.shardsLow |= 1 << shard;
    else this.shardsHigh |= 1 << shard;
  }
}
