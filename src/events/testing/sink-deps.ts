import type { AllSinkDeps } from '../sinks/index.ts';

/** What sinks are made with; what a test does not give is not to be used by it. */
export function sinkDeps(given: Partial<AllSinkDeps> = {}): AllSinkDeps {
  const unused = (): never => {
    throw new Error('not to be used here');
  };
  return {
    http: unused,
    write: unused,
    recordBilling: unused,
    epochMs: () => Date.UTC(2026, 10, 28, 12),
    random: () => 0.5,
    ...given,
  };
}
