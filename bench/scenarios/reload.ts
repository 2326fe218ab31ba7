import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchKey, callBody, requestPool } from '../calls.ts';
import { createClient } from '../client.ts';
import { type Context, poolSize } from '../context.ts';
import type { Figure } from '../figures.ts';
import { runPace } from '../load/pace.ts';
import { type Polymorph, startPolymorph } from '../servers/polymorph.ts';
import { startUpstream } from '../servers/upstream.ts';
import { median } from '../statistics.ts';

export interface Reload {
  keys: number;
  /** Requests a second during all of it. */
  rate: number;
  /** From the file's change to the last answer under the old limit, ms, each reload. */
  actsAfterMs: number[];
  /** Longest time of one call, ms: while reloading, and for as long without. */
  longestMs: number;
  longestWithoutMs: number;
  /** Calls that failed or were refused. */
  dropped: number;
}

const keyCount = 10_000;
const rate = 5000;
const loadSeconds = 6;
const beforeFirstMs = 1000;
const betweenMs = 700;
const waitMaxMs = 5000;
const watchers = 8;
const oldLimit = 'requests: 10000000';
const newLimit = 'requests: 9000000';

/** Rewrites a config of 10,000 keys under load, five times, and watches when each answer shows the new limit. */
export async function measureReload(context: Context): Promise<Reload> {
  context.progress(`reload with ${keyCount} keys`);
  const node = await startUpstream(context, 'reload-upstream', context.cores.upstream);
  const setup = { name: 'reload', mode: 'single', workers: 2, keys: manyKeys() } as const;
  const proxy = await startPolymorph(context, { ...setup, upstreamPorts: [node.port] });
  const requestFile = `${context.directory}/reload.http`;
  writeFileSync(requestFile, requestPool(poolSize, [keyOf(1)]));
  const load = () => runPace(context, proxy.port, rate, loadSeconds, { requestFile });
  await load();
  const without = await load();
  const reloading = load();
  const actsAfterMs = await reloadRepeatedly(context, proxy).catch(async (error: unknown) => {
    await reloading;
    throw error;
  });
  const during = await reloading;
  await proxy.stop();
  await node.stop();
  return {
    keys: keyCount,
    rate,
    actsAfterMs,
    longestMs: during.max / 1000,
    longestWithoutMs: without.max / 1000,
    dropped: during.failed,
  };
}

async function reloadRepeatedly(context: Context, proxy: Polymorph): Promise<number[]> {
  const texts = [proxy.config, proxy.config.replaceAll(oldLimit, newLimit)];
  const times: number[] = [];
  await sleep(beforeFirstMs);
  const until = performance.now() + (loadSeconds - 1.5) * 1000;
  for (let n = 1; n <= 5 && performance.now() < until; n++) {
    const acted = await reloadOnce(proxy, texts[n % 2]!);
    if (acted === undefined) {
      context.faults.push(`reload ${n}: the new limit did not act within ${waitMaxMs} ms\n${proxy.output()}`);
      break;
    }
    times.push(acted);
    await sleep(betweenMs);
  }
  return times;
}

/** Time from the change of the file until no answer shows the old limit any more, ms. */
async function reloadOnce(proxy: Polymorph, text: string): Promise<number | undefined> {
  const client = createClient(proxy.port, watchers);
  const shown = async () => (await client.call(callBody(2), keyOf(2))).headers['ratelimit-policy'];
  try {
    const old = await shown();
    writeFileSync(`${proxy.configFile}.next`, text);
    const from = performance.now();
    renameSync(`${proxy.configFile}.next`, proxy.configFile);
    const lastOld = await Promise.all(Array.from({ length: watchers }, () => watch(shown, old, from)));
    return lastOld.includes(undefined) ? undefined : Math.max(...(lastOld as number[]));
  } finally {
    client.close();
  }
}

/** Calls again and again until an answer shows another policy; the time of that answer after `from`, ms. */
async function watch(shown: () => Promise<unknown>, old: unknown, from: number): Promise<number | undefined> {
  while (performance.now() - from < waitMaxMs) {
    const policy = await shown();
    if (policy !== old) return performance.now() - from;
    await sleep(1);
  }
  return undefined;
}

function keyOf(n: number): string {
  return benchKey(`customer ${n}`);
}

function manyKeys(): string {
  const keys = Array.from({ length: keyCount }, (_, n) => {
    const sha256 = createHash('sha256').update(keyOf(n)).digest('hex');
    return `  - { name: customer-${n}, sha256: ${sha256} }`;
  });
  // whenReady presents a key of the bench's own
  const first = `  - { name: caller, key: ${benchKey('caller 0')} }`;
  return ['keys:', first, ...keys].join('\n');
}

export function reloadFigures({
  keys,
  actsAfterMs,
  longestMs,
  longestWithoutMs,
  dropped,
  rate,
}: Reload): Figure[] {
  const without = `${longestWithoutMs.toFixed(1)} ms without a reload`;
  return [
    {
      name: `reload with ${keys.toLocaleString('en-US')} keys, until it acts`,
      value: median(actsAfterMs),
      unit: 'ms',
      target: { atMost: 100 },
      note: `median of ${actsAfterMs.length}, longest ${Math.max(0, ...actsAfterMs).toFixed(0)} ms`,
    },
    {
      name: `longest call meanwhile at ${rate}/s`,
      value: longestMs,
      unit: 'ms',
      target: { atMost: 50 },
      note: without,
    },
    { name: 'calls dropped meanwhile', value: dropped, unit: 'calls', target: { atMost: 0 } },
  ];
}
