import type { HubClock } from './clock.ts';

const FIRST_MS = 500;
/** Short: one that comes back is wanted, and a handshake is cheap. */
const LONGEST_MS = 5_000;
/** What was of use for so long is no flapping one. */
const GOOD_MS = 30_000;

/** Upstreams that failed lately, each left alone for longer the more often it did in a row, with jitter. */
export interface Penalties {
  /** Milliseconds until it may be tried again; 0: now. */
  wait(name: string): number;
  /** @param livedMs how long it was of use before */
  failed(name: string, livedMs?: number): void;
}

export function createPenalties(clock: HubClock): Penalties {
  const known = new Map<string, { failures: number; until: number }>();
  return {
    wait: (name) => Math.max(0, (known.get(name)?.until ?? 0) - clock.now()),
    failed(name, livedMs = 0) {
      const before = livedMs > GOOD_MS ? 0 : (known.get(name)?.failures ?? 0);
      const failures = before + 1;
      const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.5 + clock.random() / 2);
      known.set(name, { failures, until: clock.now() + ms });
    },
  };
}
