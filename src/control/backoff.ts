export interface BackoffOptions {
  /** A life at least this long counts as healthy and forgets earlier deaths. Milliseconds. */
  healthyMs: number;
  firstDelayMs: number;
  maxDelayMs: number;
}

export const workerBackoff: BackoffOptions = { healthyMs: 10_000, firstDelayMs: 100, maxDelayMs: 10_000 };

/**
 * How long to wait before starting again something that ended. The first early death is followed by a start at once,
 * since a single fault should cost callers nothing; each further one doubles the delay up to `maxDelayMs`.
 */
export function createBackoff(options: BackoffOptions): {
  afterDeath(livedMs: number): number;
  readonly deaths: number;
} {
  let deaths = 0;
  return {
    get deaths() {
      return deaths;
    },
    afterDeath(livedMs) {
      if (livedMs >= options.healthyMs) deaths = 0;
      deaths += 1;
      if (deaths === 1) return 0;
      return Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** (deaths - 2));
    },
  };
}
