/** Network settings under which nothing but its callers' own calls reaches a node, each of them by itself. */
export const quiet = { health: { interval: '0' }, cache: { enabled: false }, coalesce: false } as const;
