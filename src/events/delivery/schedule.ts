/** Around each wait: so that what failed together does not come back together. */
const JITTER = 0.2;
/** A receiver that asks for more patience than this gets no more. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/**
 * How long to wait after an attempt, in milliseconds: by the schedule ± 20 %, and no less than the receiver asked for. null: that was the
 * last. `random` is from 0 to 1.
 */
export function waitAfter(
  attempts: number,
  {
    retries,
    random,
    retryAfterMs,
  }: { retries: readonly number[]; random: number; retryAfterMs: number | null },
): number | null {
  const wait = retries[attempts - 1];
  if (wait === undefined) return null;
  const jittered = wait * (1 + JITTER * (2 * random - 1));
  return Math.round(Math.max(jittered, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS)));
}
