import type { Context } from '../context.ts';
import type { Figure } from '../figures.ts';
import { delayMs, identical, measureCoalescing } from './coalescing.ts';
import { type Kill, killRate, measureKill } from './node-killed.ts';

export interface Upstreams {
  /** Identical calls at once. */
  identical: number;
  /** How late the node's answers to them came. */
  delayMs: number;
  /** Of those, calls that the node saw, each round. */
  seen: number[];
  /** Requests a second while one of three nodes is killed. */
  rate: number;
  kills: Kill[];
}

const roundsMax = 3;

/** What callers see of several calls for one answer, and of several nodes for one call. */
export async function measureUpstreams(context: Context): Promise<Upstreams> {
  const seen = await measureCoalescing(context);
  const rounds = Math.min(context.options.rounds, roundsMax);
  const kills: Kill[] = [];
  for (let round = 1; round <= rounds; round++) {
    context.progress(`upstreams: one of three nodes killed, round ${round} of ${rounds}`);
    kills.push(await measureKill(context, round));
  }
  return { identical, delayMs, seen, rate: killRate, kills };
}

export function upstreamsFigures({ identical, seen, rate, kills }: Upstreams): Figure[] {
  const failed = kills.reduce((sum, kill) => sum + kill.failed, 0);
  const back = kills.map(({ backAfterMs }) => backAfterMs);
  const longest = Math.max(...kills.map((kill) => kill.longest)) / 1000;
  const rounds = kills.length === 1 ? '' : `, ${kills.length} times`;
  const worst = kills.length === 1 ? '' : `; the worst of ${kills.length} times`;
  return [
    {
      name: `calls to the node for ${identical} identical ones at once`,
      value: Math.max(...seen),
      unit: 'calls',
      target: { atMost: 1 },
      note: 'one worker',
    },
    {
      name: 'calls failed as one of three nodes is killed',
      value: failed,
      unit: 'calls',
      target: { atMost: 0 },
      note: `at ${rate}/s${rounds}`,
    },
    {
      name: 'p99 as before, after the kill',
      value: Math.max(...back),
      unit: 'ms',
      target: { atMost: 2000 },
      note: `the slowest call took ${longest.toFixed(1)} ms${worst}`,
    },
  ];
}
