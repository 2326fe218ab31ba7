import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { type PaceSample, paceWarmUpMs, runPaceSampled } from '../load/pace.ts';
import { type Polymorph, startPolymorph } from '../servers/polymorph.ts';
import type { Server } from '../servers/server.ts';
import { callsSoFar, startUpstream } from '../servers/upstream.ts';
import { percentile } from '../statistics.ts';

/** What callers saw of a node's death; times in µs from the moment a call was due, but for `backAfterMs`. */
export interface Kill {
  /** Calls without a right answer. */
  failed: number;
  /** Of the two seconds before. */
  p99Before: number;
  /** The highest p99 of a window after it. */
  worstWindow: number;
  longest: number;
  /** From the kill to the first window from which on the p99 is as before (see {@link backAfter}); NaN: never. */
  backAfterMs: number;
}

/** Requests a second. */
export const killRate = 2000;

const connections = 32;
const beforeSeconds = 2;
const afterSeconds = 4;
const windowMs = 250;
/** So many windows in a row must be sound: one alone may be luck. */
const soundInRow = 4;
const slackMicros = 1000;
/** Of the killed node in all calls, or its death proves nothing. */
const leastShare = 0.1;

/** Three nodes under a constant load; the one that has answered most calls is killed. */
export async function measureKill(context: Context, round: number): Promise<Kill> {
  const nodes: Server[] = [];
  for (const n of [1, 2, 3]) {
    nodes.push(await startUpstream(context, `kill-${round}-node-${n}`, context.cores.upstream));
  }
  const proxy = await startPolymorph(context, {
    name: `kill-${round}`,
    mode: 'single',
    workers: 2,
    cores: context.cores.proxy,
    upstreamPorts: nodes.map(({ port }) => port),
  });
  try {
    return await killUnderLoad(context, proxy, nodes);
  } finally {
    for (const server of [proxy, ...nodes]) await server.stop();
  }
}

async function killUnderLoad(context: Context, proxy: Polymorph, nodes: Server[]): Promise<Kill> {
  const seconds = beforeSeconds + afterSeconds;
  const loading = runPaceSampled(context, proxy.port, killRate, seconds, { connections });
  const killing = sleep(paceWarmUpMs + beforeSeconds * 1000).then(() => killBusiest(context, nodes));
  const [{ summary, samples }, killedAt] = await Promise.all([loading, killing]);
  const due = killRate * seconds;
  if (summary.samples < due * 0.9) {
    context.faults.push(`node killed: ${summary.samples} of ${due} calls were made`);
  }
  if (summary.failed > 0) context.progress(`a failed call: ${summary.firstWrong.slice(0, 400)}`);
  return { failed: summary.failed, ...timesOf(samples, killedAt) };
}

/** Returns when, µs on the clock of process.hrtime. */
async function killBusiest(context: Context, nodes: Server[]): Promise<number> {
  const served = await Promise.all(nodes.map(callsSoFar));
  const most = Math.max(...served);
  const sum = served.reduce((all, calls) => all + calls, 0);
  if (most < killRate * beforeSeconds * leastShare || sum < killRate * beforeSeconds * 0.9) {
    context.faults.push(`node killed: the nodes had answered ${served.join(', ')} calls before`);
  }
  const at = Number(process.hrtime.bigint() / 1000n);
  process.kill(nodes[served.indexOf(most)]!.pids[0]!, 'SIGKILL');
  return at;
}

/** Times of calls before and after `killedAt`, µs on the samples' clock. */
export function timesOf(samples: readonly PaceSample[], killedAt: number): Omit<Kill, 'failed'> {
  const after = samples.filter(({ due }) => due >= killedAt);
  const p99Before = p99Of(samples.filter(({ due }) => due < killedAt));
  const windows: number[] = [];
  const last = Math.max(...after.map(({ due }) => due), killedAt);
  // the window that the load's end cuts short is left out
  for (let from = killedAt; from + windowMs * 1000 <= last; from += windowMs * 1000) {
    windows.push(p99Of(after.filter(({ due }) => due >= from && due < from + windowMs * 1000)));
  }
  return {
    p99Before,
    worstWindow: Math.max(...windows),
    longest: Math.max(...after.map(({ took }) => took)),
    backAfterMs: backAfter(windows, 2 * p99Before + slackMicros),
  };
}

/** Start, in ms, of the first window that is within `bound` with the three after it; NaN if there is none. */
export function backAfter(windows: readonly number[], bound: number): number {
  let sound = 0;
  for (const [n, p99] of windows.entries()) {
    sound = p99 <= bound ? sound + 1 : 0;
    if (sound === soundInRow) return (n + 1 - soundInRow) * windowMs;
  }
  return Number.NaN;
}

function p99Of(samples: readonly PaceSample[]): number {
  const sorted = Uint32Array.from(samples, ({ took }) => took).sort();
  return percentile(sorted, 0.99);
}
