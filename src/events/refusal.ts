/** Codes of the store's errors (StoreError) that are of the store and not of what it was given: it may well take that later. */
const away = new Set(['unavailable', 'schema', 'locked']);

/** Whether the store is there, and does not take what it was given: to try the same again is of no use. */
export function isRefusal(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return !away.has(code);
}
