import { join } from 'node:path';
import type { Context } from '../context.ts';

export interface WrkSummary {
  requests: number;
  microseconds: number;
  /** Failed connects, reads and writes, and answers that took over 5 s. */
  connect: number;
  read: number;
  write: number;
  timeout: number;
  /** Answers with a status of 400 or more. */
  status: number;
}

/** As many calls as the port takes for `seconds`, from the pool file, `depth` pipelined on each connection. */
export async function runWrk(
  context: Context,
  port: number,
  pool: string,
  depth: number,
  seconds: number,
): Promise<WrkSummary> {
  const { connections, cores } = context;
  const threads = String(cores.generatorThreads);
  const load = ['-t', threads, '-c', String(connections), '-d', `${seconds}s`];
  const script = ['--timeout', '5s', '-s', join(import.meta.dirname, 'wrk.lua')];
  const args = [...load, ...script, `http://127.0.0.1:${port}/`, '--', pool, String(depth), threads];
  const limitMs = seconds * 1000 + 15_000;
  const { stdout } = await context.processes.run('wrk', args, cores.generator, limitMs);
  return parseWrk(stdout);
}

/** Reads the summary that wrk.lua writes. */
export function parseWrk(stdout: string): WrkSummary {
  const json = /^SUMMARY (\{.*\})$/m.exec(stdout)?.[1];
  if (json === undefined) throw new Error(`wrk gave no summary: ${stdout.slice(-500)}`);
  return JSON.parse(json) as WrkSummary;
}
