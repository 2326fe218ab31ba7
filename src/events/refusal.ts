/** Codes of the store's errors (StoreError) that are of the store and not of what it was given: it may well take that later. */
const away = new Set(['unavailable', 'schema', 'locked']);

/** Whether the store is there, and does not take what it was given: to try the same again is of no use. */
function isRefusal(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return !away.has(code);
}

/**
 * Writes a batch. Rejects where the store is away. What it refuses is halved until the one is found that it refuses, which is given up;
 * all others are written, in their order.
 */
export async function writeAllBut<T>(
  batch: readonly T[],
  write: (some: readonly T[]) => Promise<unknown>,
  giveUp: (one: T, error: unknown) => void,
): Promise<void> {
  try {
    await write(batch);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (batch.length === 1) return giveUp(batch[0]!, error);
    const half = Math.ceil(batch.length / 2);
    await writeAllBut(batch.slice(0, half), write, giveUp);
    await writeAllBut(batch.slice(half), write, giveUp);
  }
}
