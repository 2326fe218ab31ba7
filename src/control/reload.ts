import { createSingleFlight } from './single-flight.ts';

export interface ReloadResult {
  /** `refused`: the file is bad and the old policy goes on; `unchanged`: it means what already holds. */
  outcome: 'applied' | 'unchanged' | 'refused';
  /** Of the policy that holds now. */
  generation: number;
  /** Why it was refused, a line each, with file:line:column where there is one. */
  problems: readonly string[];
  /** What changed, in words. */
  changes: readonly string[];
  /** What of the file holds only after a restart, since the start. */
  restartNeeded: readonly string[];
  /** Workers that had not taken the policy over when we stopped waiting; they do so as soon as they can. */
  late: readonly number[];
  /** From the change (or the request) until all workers used the policy. Milliseconds. */
  tookMs: number;
}

export interface ReloadParts<C> {
  read(): Promise<{ config: C } | { problems: readonly string[] }>;
  /** What holds now. */
  current(): { config: C; generation: number };
  /** Do the two mean the same? */
  same(a: C, b: C): boolean;
  /** What the process was started with, which is what a restart would change. */
  started: C;
  plan(from: C, to: C): { changes: readonly string[]; restartNeeded: readonly string[] };
  /** What only the running process can see: an upstream that is ourselves. A sentence refuses the config. */
  objection(config: C): Promise<string | null>;
  /** Compiles and hands to the workers. May throw: then nothing was handed out. */
  apply(config: C): Promise<{ generation: number; late: readonly number[] }>;
  onResult(result: ReloadResult): void;
  /** Steady milliseconds. */
  now(): number;
}

/**
 * Reloads one at a time; requests made meanwhile share one further run. The result is a value in every case: a file
 * that cannot be applied leaves the old policy and says why. `since` is when the change was seen.
 */
export function createReloader<C>(parts: ReloadParts<C>): (since?: number) => Promise<ReloadResult> {
  let earliest: number | undefined;
  const flight = createSingleFlight(async () => {
    const since = earliest ?? parts.now();
    earliest = undefined;
    const result = await attempt(parts, () => Math.round((parts.now() - since) * 10) / 10);
    parts.onResult(result);
    return result;
  });
  return (since) => {
    earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, since ?? parts.now());
    return flight();
  };
}

async function attempt<C>(parts: ReloadParts<C>, took: () => number): Promise<ReloadResult> {
  const { config: old, generation } = parts.current();
  const nothing = { generation, problems: [], changes: [], late: [] };
  const waiting = (config: C) => parts.plan(parts.started, config).restartNeeded;
  const refused = (problems: readonly string[]): ReloadResult => {
    const tookMs = took();
    return { ...nothing, outcome: 'refused', problems, restartNeeded: waiting(old), tookMs };
  };
  try {
    const reading = await parts.read();
    if ('problems' in reading) return refused(reading.problems);
    const { config } = reading;
    if (parts.same(old, config)) {
      return { ...nothing, outcome: 'unchanged', restartNeeded: waiting(config), tookMs: took() };
    }
    const objection = await parts.objection(config);
    if (objection !== null) return refused([objection]);
    const applied = await parts.apply(config);
    // Saying what changed takes time of its own with many keys: the policy need not wait for it.
    const tookMs = took();
    const { changes } = parts.plan(old, config);
    return { ...nothing, outcome: 'applied', changes, restartNeeded: waiting(config), ...applied, tookMs };
  } catch (error) {
    return refused([error instanceof Error ? error.message : String(error)]);
  }
}
