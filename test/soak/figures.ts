import { readdirSync, readlinkSync } from 'node:fs';
import type { Summary } from '../../src/admin/index.ts';
import type { StoreGateway } from '../store/gateway.ts';

/** What a process holds at one moment: bytes and numbers. */
export interface Sample {
  atMs: number;
  rss: number;
  heap: number;
  external: number;
  files: number;
  sockets: number;
}

export async function sample({ program, page }: StoreGateway): Promise<Sample> {
  const { memory } = (await (await page('/stats/summary?scope=instance')).json()) as Summary;
  const open = openFiles(program.pid);
  return {
    atMs: performance.now(),
    ...{ rss: memory.rssBytes, heap: memory.heapBytes, external: memory.externalBytes },
    ...{ files: open.length, sockets: open.filter((target) => target.startsWith('socket:')).length },
  };
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** How a figure moved after a time to warm up. */
export interface Trend {
  /** By least squares, a minute. */
  slope: number;
  /** The median of the first and of the last third: while a worker is replaced there is less for a moment. */
  first: number;
  last: number;
}

export function trendOf(samples: readonly Sample[], field: Exclude<keyof Sample, 'atMs'>): Trend {
  const values = samples.map((one) => one[field]);
  const third = Math.max(1, Math.floor(values.length / 3));
  const minutes = samples.map(({ atMs }) => atMs / 60_000);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [meanX, meanY] = [mean(minutes), mean(values)];
  const spread = minutes.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
  const slope = minutes.reduce((sum, x, at) => sum + (x - meanX) * (values[at]! - meanY), 0) / spread;
  return { slope, first: median(values.slice(0, third)), last: median(values.slice(-third)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
