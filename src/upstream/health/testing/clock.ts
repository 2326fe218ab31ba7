import type { HealthClock } from '../clock.ts';

export interface TestClock extends HealthClock {
  /** Lets `ms` pass: due tasks run in order, and what they wait for settles in between. */
  pass(ms: number): Promise<void>;
}

/** A clock that stands still but for {@link TestClock.pass}. Chance is always the middle: no jitter. */
export function createTestClock(): TestClock {
  let nowMs = 1000;
  const tasks = new Set<{ atMs: number; run(): void }>();
  return {
    now: () => nowMs,
    random: () => 0.5,
    after(ms, run) {
      const task = { atMs: nowMs + ms, run };
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    async pass(ms) {
      const end = nowMs + ms;
      await settled();
      for (;;) {
        const due = [...tasks].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        tasks.delete(due);
        nowMs = due.atMs;
        due.run();
        await settled();
      }
      nowMs = end;
    },
  };
}

/** Resolves when no promise that waits for nothing but others is left. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
