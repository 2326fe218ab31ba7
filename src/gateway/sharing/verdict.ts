/** What became of a call, for now. */
export const verdicts = {
  /** It goes on. */
  passed: 0,
  /** It was refused. */
  ended: 1,
  /** It waits for leases. */
  cold: 2,
  /** It waits for an answer from where its exact buckets stand. */
  asking: 3,
} as const;

export type Verdict = (typeof verdicts)[keyof typeof verdicts];

/** What an exact decision came to. `remembered`: refused without asking, by an earlier refusal. */
export type ExactResult = 'taken' | 'refused' | 'remembered' | 'unanswered';

/** What is counted of limits that are shared with other instances. */
export interface SharingCounters {
  /** A call waited, for so many microseconds. */
  waited(micros: number): void;
  /** A call was decided by the instance's share, or by what of a lease was left while nobody lends. */
  byShare(): void;
  needsSent(needs: number): void;
  exact(result: ExactResult): void;
}
