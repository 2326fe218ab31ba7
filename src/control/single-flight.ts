/**
 * Runs `work` one at a time. A call made while it runs is answered by one further run that starts afterwards, however
 * many ask: what they saw change may have come too late for the run under way.
 */
export function createSingleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const run = (): Promise<T> => {
    const started = work().finally(() => {
      running = undefined;
    });
    running = started;
    return started;
  };
  return () => {
    if (running === undefined) return run();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  };
}
