import { rowName, type RowWriter, upstreamAt } from '../../metrics/index.ts';
import type { UpstreamPool, UpstreamStats } from '../../upstream/index.ts';
import type { NetworkCounts } from '../networks.ts';

/** What an upstream counts by itself since it began, by the column that takes it over. */
const totals = {
  calls: (stats: UpstreamStats) => stats.sent,
  failures: (stats: UpstreamStats) => stats.failed,
  connectionsTotal: (stats: UpstreamStats) => stats.opened,
  exchanges: (stats: UpstreamStats) => stats.exchanges,
  bytesIn: (stats: UpstreamStats) => stats.bytesIn,
  bytesOut: (stats: UpstreamStats) => stats.bytesOut,
} as const;
const names = Object.keys(totals) as (keyof typeof totals)[];

/** One worker's figures of its upstreams' connections: taken over every 100 ms. */
export interface UpstreamFigures {
  take(networks: readonly NetworkCounts[]): void;
}

export function createUpstreamFigures({ numbers, rowOf }: RowWriter): UpstreamFigures {
  const before = new WeakMap<UpstreamPool, Map<string, UpstreamStats>>();
  /** Of upstreams that had anything open. */
  let rows = new Set<number>();

  return {
    take(networks) {
      const present = new Set<number>();
      for (const row of rows) {
        numbers[row + upstreamAt.connections] = 0;
        numbers[row + upstreamAt.inFlight] = 0;
      }
      for (const { name: network, pool } of networks) {
        const known = before.get(pool) ?? new Map<string, UpstreamStats>();
        before.set(pool, known);
        for (const stats of pool.stats()) {
          const row = rowOf(rowName(network, stats.name));
          const last = known.get(stats.name);
          for (const name of names) {
            const now = totals[name](stats);
            const then = last === undefined ? 0 : totals[name](last);
            // Another of the same name began anew.
            numbers[row + upstreamAt[name]]! += now < then ? now : now - then;
          }
          known.set(stats.name, stats);
          // Two networks of one name, one of which leaves.
          numbers[row + upstreamAt.connections]! += stats.connections;
          numbers[row + upstreamAt.inFlight]! += stats.inFlight;
          present.add(row);
        }
      }
      rows = present;
    },
  };
}
