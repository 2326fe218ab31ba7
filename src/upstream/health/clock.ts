/** Time and chance of the checks. */
export interface HealthClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Runs `task` once, after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, task: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

/** The real ones. A waiting check never keeps the process alive. */
export const realClock: HealthClock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms).unref();
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
