/** Network settings under which nothing but its callers' own calls reaches a node, each of them by itself. */
export const quiet = { health: { interval: '0' }, cache: { enabled: false }, coalesce: false } as const;

/** The same, and no breaker or retry budget steps in: every call meets whatever there is to meet. */
export const undaunted = {
  ...quiet,
  breaker: { failures: 1_000_000, failure_rate: '100%' },
  retry: { budget: '100%' },
} as const;
