/**
 * Watches a counter that a live thread keeps raising. `look()` is called at a steady interval and tells whether the
 * counter stood still for `looksMax` looks in a row. Looks are counted, not time: a process that was stopped as a
 * whole (SIGSTOP, a suspended machine) looks once when it wakes and finds nobody dead.
 */
export function createHeartbeatWatch(
  read: () => number,
  looksMax: number,
): { look(): boolean; reset(): void } {
  let last = Number.NaN;
  let still = 0;
  return {
    look() {
      const now = read();
      still = now === last ? still + 1 : 0;
      last = now;
      return still >= looksMax;
    },
    reset() {
      last = Number.NaN;
      still = 0;
    },
  };
}
