/** Follows which policy generation each worker uses. */
export interface AppliedTracker {
  /** A worker says it uses `generation` from its next call on. */
  applied(slot: number, generation: number): void;
  /**
   * Resolves when every worker that is up uses `generation` or a later one, or after `boundMs`, with those that do
   * not. A worker that starts meanwhile begins with the present policy and is not waited for.
   */
  everywhere(generation: number, boundMs: number): Promise<{ late: number[] }>;
}

export function createAppliedTracker(up: () => readonly number[]): AppliedTracker {
  const generations = new Map<number, number>();
  const waiting = new Set<() => void>();
  const behind = (generation: number) => up().filter((slot) => (generations.get(slot) ?? 0) < generation);
  return {
    applied(slot, generation) {
      generations.set(slot, generation);
      for (const check of waiting) check();
    },
    async everywhere(generation, boundMs) {
      await new Promise<void>((resolve) => {
        const finish = () => {
          clearTimeout(bound);
          waiting.delete(check);
          resolve();
        };
        const check = () => {
          if (behind(generation).length === 0) finish();
        };
        const bound = setTimeout(finish, boundMs);
        waiting.add(check);
        check();
      });
      return { late: behind(generation) };
    },
  };
}
