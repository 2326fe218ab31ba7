import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMegabytes } from '../accounting.ts';
import type { Context } from '../context.ts';
import type { Figure } from '../figures.ts';
import { callFromEach } from '../load/distinct-callers.ts';
import { startPolymorph } from '../servers/polymorph.ts';
import { startUpstream } from '../servers/upstream.ts';

/** Resident memory of main and two workers, MB (10⁶ bytes). */
export interface Memory {
  callers: number;
  idle: number;
  /** After ten calls from each of few callers: what a heap in use takes, whoever calls. */
  warm: number;
  afterFirst: number;
  afterSecond: number;
}

const settleMs = 3000;
const warmRounds = 10;

/** Limits whose buckets do not refill meanwhile, so that each caller's two buckets must be remembered. */
const slowLimits = `limits:
  default: { requests: 10, period: 1h }
  ceilings:
    - { name: per-address, per: address, requests: 100, period: 1h }`;

/** Memory when idle, after a million callers with an address each, and after a million others. */
export async function measureMemory(context: Context): Promise<Memory> {
  const callers = context.options.quick ? 100_000 : 1_000_000;
  context.progress(`memory: idle, then twice ${callers} callers`);
  const node = await startUpstream(context, 'memory-upstream', context.cores.upstream);
  const stateDir = context.knowsStore ? join(context.directory, 'memory') : undefined;
  const setup = { name: 'memory', mode: 'single', workers: 2, limits: slowLimits, stateDir } as const;
  const proxy = await startPolymorph(context, { ...setup, upstreamPorts: [node.port] });
  const pid = proxy.pids[0]!;
  await sleep(settleMs);
  const idle = residentMegabytes(pid);
  const call = async (from: number, count: number) => {
    const { answered, refused } = await callFromEach(proxy.port, from, count);
    if (answered !== count || refused > 0) {
      context.faults.push(`memory: ${answered} of ${count} calls answered, ${refused} refused`);
    }
  };
  const settled = async () => {
    await sleep(settleMs);
    return residentMegabytes(pid);
  };
  for (let round = 0; round < warmRounds; round++) await call(2 * callers, callers / 100);
  const warm = await settled();
  await call(0, callers);
  const afterFirst = await settled();
  await call(callers, callers);
  const afterSecond = await settled();
  await proxy.stop();
  await node.stop();
  return { callers, idle, warm, afterFirst, afterSecond };
}

export function memoryFigures({ callers, idle, warm, afterFirst, afterSecond }: Memory): Figure[] {
  const count = callers.toLocaleString('en-US');
  return [
    { name: 'resident, main + 2 workers, idle', value: idle, unit: 'MB', target: { atMost: 200 } },
    {
      name: `resident, added by ${count} callers`,
      value: afterFirst - idle,
      unit: 'MB',
      target: { atMost: 128 },
      note: `over idle; ${Math.round(afterFirst - warm)} MB over a heap in use`,
    },
    {
      name: `resident, added by ${count} other callers`,
      value: afterSecond - afterFirst,
      unit: 'MB',
      target: { atMost: 16 },
      note: 'flat',
    },
  ];
}
