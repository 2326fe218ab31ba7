import { quiet } from '../quiet.ts';

/** The same, and no breaker or retry budget steps in: every call meets whatever there is to meet. */
export const undaunted = {
  ...quiet,
  breaker: { failures: 1_000_000, failure_rate: '100%' },
  retry: { budget: '100%' },
} as const;
