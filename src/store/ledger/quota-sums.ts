import { noKey } from '../../usage/index.ts';
import type { RollupRow } from './rollup-rows.ts';

const DAY_MS = 86_400_000;

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
  return [...fold(counted, 'day'), ...fold(counted, 'month')];
}

function fold(rows: readonly RollupRow[], period: QuotaSum['period']): QuotaSum[] {
  const sums = new Map<string, QuotaSum>();
  for (const row of rows) {
    const { keyId, calls, cost } = row;
    const at = periodStart(period, row.at);
    const sum = sums.get(`${at} ${keyId}`);
    if (sum === undefined) sums.set(`${at} ${keyId}`, { period, at, keyId, requests: calls, cost });
    else {
      sum.requests += calls;
      sum.cost += cost;
    }
  }
  return [...sums.values()].sort((a, b) => a.at - b.at || (a.keyId < b.keyId ? -1 : 1));
}

/** Epoch milliseconds at which the UTC day or month began that `at` lies in. */
export function periodStart(period: QuotaSum['period'], at: number): number {
  if (period === 'day') return Math.floor(at / DAY_MS) * DAY_MS;
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}
