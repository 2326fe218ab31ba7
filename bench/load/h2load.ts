import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { callerKeys } from '../calls.ts';
import type { Context } from '../context.ts';
import { percentile } from '../statistics.ts';

/** Times in µs of one request, from its sending. */
export interface H2loadSummary {
  samples: number;
  failed: number;
  /** The first line of its log that tells of a failure, if any. */
  firstWrong: string;
  p50: number;
  p99: number;
}

/** Few, since all of them send at the same moment. */
const connections = 16;

/**
 * `h2load --h1 --rps`: each connection sends its share of a 10 ms tick back to back, and the ticks of all
 * connections fall together, so this is a load of bursts with a constant mean.
 */
export async function runH2load(
  context: Context,
  port: number,
  rate: number,
  seconds: number,
): Promise<H2loadSummary> {
  const { cores, files } = context;
  const log = join(context.directory, 'h2load.log');
  rmSync(log, { force: true });
  const load = ['--h1', '-t', '1', '-c', String(connections), '--rps', (rate / connections).toFixed(2)];
  const time = ['-D', String(seconds), '--warm-up-time', '1', '--log-file', log];
  const headers = ['-H', 'content-type: application/json', '-H', `x-api-key: ${callerKeys[1]}`];
  const args = [...load, ...time, '-d', files.body, ...headers, `http://127.0.0.1:${port}/`];
  const limitMs = seconds * 1000 + 20_000;
  await context.processes.run('h2load', args, cores.generator, limitMs);
  return parseH2load(readFileSync(log, 'utf8'));
}

/** Reads h2load's log: a line a request, start (µs), status, duration (µs) between tabs. */
export function parseH2load(log: string): H2loadSummary {
  const durations: number[] = [];
  let failed = 0;
  let firstWrong = '';
  for (const line of log.split('\n')) {
    if (line === '') continue;
    const [, status, duration] = line.split('\t');
    if (status === '200') durations.push(Number(duration));
    else if (failed++ === 0) firstWrong = line;
  }
  const sorted = Uint32Array.from(durations).sort();
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  return { samples: sorted.length, failed, firstWrong, p50, p99 };
}
