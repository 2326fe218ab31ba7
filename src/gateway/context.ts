import type { Caller } from './caller.ts';
import type { Policy } from './policy.ts';

/** What all calls of a connection share for as long as its requests say the same of caller and target. */
export interface CallContext {
  readonly policy: Policy;
  readonly caller: Caller;
  /** Index of the network; -1 if the target names none. */
  readonly network: number;
  readonly lane: 'fast' | 'fallback';
  /** CORS header lines of every answer; '' for callers that are no browser. */
  readonly corsLines: string;
}
