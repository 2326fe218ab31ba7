import type { HubClock } from './clock.ts';

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Upstreams that failed lately, each left alone for longer the more often it did in a row, with jitter. */
export interface Penalties {
  /** Milliseconds until it may be tried again; 0: now. */
  wait(name: string): number;
  failed(name: string): void;
  worked(name: string): void;
}

export function createPenalties(clock: HubClock): Penalties {
  const known = new Map<string, { failures: number; until: number }>();
  return {
    wait: (name) => Math.max(0, (known.get(name)?.until ?? 0) - clock.now()),
    failed(name) {
      const failures = (known.get(name)?.failures ?? 0) + 1;
      const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.5 + clock.random() / 2);
      known.set(name, { failures, until: clock.now() + ms });
    },
    worked: (name) => void known.delete(name),
  };
}
