/** Totals of a pool in one worker. */
export interface PoolTotals {
  /** Attempts beyond a call's first: on another upstream or the same, and hedges. */
  retries: number;
  hedges: number;
  hedgesWon: number;
  /** Calls answered by another upstream than the first asked. */
  failovers: number;
  /** Calls turned away for want of room. */
  shed: number;
  /** Calls turned away because no upstream could serve them. */
  unserved: number;
  /** Extra attempts that the retry budget did not allow. */
  overBudget: number;
  /** Calls waiting for room now. */
  waiting: number;
}

export function zeroTotals(): PoolTotals {
  return {
    retries: 0,
    hedges: 0,
    hedgesWon: 0,
    failovers: 0,
    shed: 0,
    unserved: 0,
    overBudget: 0,
    waiting: 0,
  };
}
