import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';

/** Times in µs from the moment a call was due to its whole answer. */
export interface PaceSummary {
  samples: number;
  /** Broken connections, calls without an answer and wrong answers: no 200, not the call's id, no result. */
  failed: number;
  /** The first wrong answer, if any. */
  firstWrong: string;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** One call; times in µs, `due` on the clock of process.hrtime. */
export interface PaceSample {
  due: number;
  took: number;
  right: boolean;
}

export interface PaceOptions {
  /** Of whole HTTP requests that are sent in turn; the pool of admitted calls if not given. */
  requestFile?: string;
  connections?: number;
  /** Where to write each measured call. */
  samplesFile?: string;
}

/** Calls before the measured ones. */
export const paceWarmUpMs = 500;

/** Calls at a constant mean rate, due at random moments (see native/pace.c). */
export async function runPace(
  context: Context,
  port: number,
  rate: number,
  seconds: number,
  options: PaceOptions = {},
): Promise<PaceSummary> {
  const { connections = context.connections, requestFile = context.files.requests, samplesFile } = options;
  const { cores, processes, programs } = context;
  const numbers = [port, connections, Math.round(rate), paceWarmUpMs, seconds * 1000].map(String);
  const args = [...numbers, requestFile, ...(samplesFile === undefined ? [] : [samplesFile])];
  const limitMs = seconds * 1000 + 15_000;
  const { stdout, stderr } = await processes.run(programs.pace, args, cores.generator, limitMs);
  return { ...(JSON.parse(stdout) as PaceSummary), firstWrong: stderr };
}

/** The same, with each measured call. */
export async function runPaceSampled(
  context: Context,
  port: number,
  rate: number,
  seconds: number,
  options: PaceOptions = {},
): Promise<{ summary: PaceSummary; samples: PaceSample[] }> {
  const samplesFile = join(context.directory, 'pace.samples');
  const summary = await runPace(context, port, rate, seconds, { ...options, samplesFile });
  return { summary, samples: parsePaceSamples(readFileSync(samplesFile, 'utf8')) };
}

/** Reads what native/pace.c writes of each call. */
export function parsePaceSamples(text: string): PaceSample[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [due, took, right] = line.split(' ');
    return { due: Number(due), took: Number(took), right: right === '1' };
  });
}
