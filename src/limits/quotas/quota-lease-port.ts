/** What instances that share quotas ask of where the quotas stand. */
export interface QuotaLeaseStore {
  /** One answer for each ask, in order; null: none came in time. Never rejects. Pipelined. */
  ask(asks: readonly QuotaAsk[]): Promise<readonly (QuotaAnswer | null)[]>;
}

/** All units are those of the quota: requests, or cost. */
export interface QuotaAsk {
  /** Name of the quota and its period: see `sharedQuotaKey`. */
  quota: string;
  /** Who asks: a stable id, a slash, and what is this process's alone. */
  instance: string;
  /** Of the asks by this instance, from 1, each greater. The last one again: the answer to it was lost, and it is not counted twice. */
  seq: number;
  /**
   * Number of the last ask for this quota that was answered, 0: none was. Where the record names another, what was shared is lost, or is
   * what it was some time before.
   */
  after: number;
  /** Used by this instance and not reported yet; negative: more was given back than used. */
  spent: number;
  /** Used by all as this instance knows it, `spent` included. Counts where what was shared is lost. */
  known: number;
  /** What it goes on to hold, of earlier grants. */
  unspent: number;
  /** Asked for beyond that, 0: nothing; and no grant below this much is of use. */
  want: number;
  least: number;
  /** Of the period. */
  limit: number;
  /** Instances that may ask, this one included: near its end a quota is granted in pieces. */
  instances: number;
  /** Whose sum `ledgerSum` is: one name for all instances of one store, another for each store of its own. */
  ledger: string;
  /** Used as the ledger has it, or will have it of what this instance used a while ago; it counts where all that is known otherwise is less. */
  ledgerSum: number;
  /** Epoch milliseconds from which the period is of no interest any more. */
  expiresAtMs: number;
}

export interface QuotaAnswer {
  /** Units, 0 … `want`. */
  granted: number;
  /** Reported by all, this ask included. */
  used: number;
  /** Held by the others. */
  elsewhere: number;
}
