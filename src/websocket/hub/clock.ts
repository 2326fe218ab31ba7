/** Time as the hub sees it; tests have one of their own. */
export interface HubClock {
  /** Milliseconds on a steady clock. */
  now(): number;
  /** Calls once after `ms`; the function returned calls it off. */
  after(ms: number, run: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: HubClock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Resolves after `ms`. */
export function pause(clock: HubClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
