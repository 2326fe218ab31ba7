import { noKey } from '../../usage/index.ts';
import type { RollupRow } from './rollup-rows.ts';

/** What a key used of a UTC day or month of what counts for its quota, as it is added to the sum. */
export interface QuotaSum {
  period: 'day' | 'month';
  /** Epoch milliseconds at which it begins. */
  at: number;
  keyId: string;
  requests: number;
  cost: number;
}

/** Of a batch's rows by day: calls and events that no limit or quota refused, of callers with a key. Sorted, as rollups are. */
export function quotaSums(days: readonly RollupRow[]): QuotaSum[] {
  const counted = days.filter(({ status, keyId }) => status !== 'exceeded' && keyId !== noKey);
  return [...fold(counted, 'day', (at) => at), ...fold(counted, 'month', monthOf)];
}

function fold(
  rows: readonly RollupRow[],
  period: QuotaSum['period'],
  startOf: (at: number) => number,
): QuotaSum[] {
  const sums = new Map<string, QuotaSum>();
  for (const row of rows) {
    const { keyId, calls, cost } = row;
    const at = startOf(row.at);
    const sum = sums.get(`${at} ${keyId}`);
    if (sum === undefined) sums.set(`${at} ${keyId}`, { period, at, keyId, requests: calls, cost });
    else {
      sum.requests += calls;
      sum.cost += cost;
    }
  }
  return [...sums.values()].sort((a, b) => a.at - b.at || (a.keyId < b.keyId ? -1 : 1));
}

function monthOf(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}
