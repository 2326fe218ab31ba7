import type { Tables } from '../../store/index.ts';
import { monthBounds } from '../input/time.ts';
import type { BilledUsage } from '../money/bill.ts';

/** What counts of a user's month: answered calls and delivered events of all their keys, deleted ones too. */
export async function monthUsage(tables: Tables, userId: string, month: string): Promise<BilledUsage[]> {
  const lines = await tables.usage({ userId, ...monthBounds(month) }, ['network', 'method', 'status']);
  return lines
    .filter(({ status }) => status !== 'exceeded')
    .map(({ network, method, calls, events, cost }) => ({
      network: network ?? '',
      method: method ?? '',
      calls: BigInt(calls) + BigInt(events),
      units: BigInt(cost),
    }));
}
