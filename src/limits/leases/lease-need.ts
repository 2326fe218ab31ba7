/** A bucket of which a thread needs a lease, or more of one. Passes to main by structured clone. */
export interface BucketNeed {
  /** As in the chain: where the lease goes. */
  tagLo: number;
  tagHi: number;
  version: number;
  /** Hashes, see `sharedOwner` and `sharedScope`. */
  owner: string;
  scope: string;
  /** Tokens of the calls that wait or that ran it low: the lease is for at least as much, if there is so much. */
  cost: number;
  /** Of the cheapest of the calls that wait; 0: one that does not wait wants some as well. */
  least: number;
}

/** A quota of which a thread needs a lease, or more of one. */
export interface QuotaNeed {
  slot: number;
  periodId: number;
  /** Of the period, by the policy of the call. */
  limit: number;
  cost: number;
}
