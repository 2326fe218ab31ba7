import type { Context } from '../context.ts';

/** Times in µs from the moment a call was due to its whole answer. */
export interface PaceSummary {
  samples: number;
  /** Broken connections, calls without an answer and answers other than 200. */
  failed: number;
  /** The first answer other than 200, if any. */
  firstWrong: string;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

const warmUpMs = 500;

/** Calls at a constant mean rate, due at random moments (see native/pace.c). */
export async function runPace(
  context: Context,
  port: number,
  rate: number,
  seconds: number,
  requestFile = context.files.request,
): Promise<PaceSummary> {
  const { connections, cores, processes, programs } = context;
  const numbers = [port, connections, Math.round(rate), warmUpMs, seconds * 1000].map(String);
  const limitMs = seconds * 1000 + 15_000;
  const { stdout, stderr } = await processes.run(
    programs.pace,
    [...numbers, requestFile],
    cores.generator,
    limitMs,
  );
  return { ...(JSON.parse(stdout) as PaceSummary), firstWrong: stderr };
}
