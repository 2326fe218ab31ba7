import { LATENCY_BUCKETS, type LedgerRow, usageStatuses } from '../../usage/index.ts';
import type { UsageLine } from '../usage-sums.ts';
import type { Tables } from '../store.ts';

/** The reference: what `usage` must say of these rows, added up in memory. A bound is rounded up to its minute. */
export function sumUsage(
  rows: readonly LedgerRow[],
  { from = -Infinity, to = Infinity }: { from?: number | undefined; to?: number | undefined },
  by: Parameters<Tables['usage']>[1],
): UsageLine[] {
  const begin = (at: number) => {
    if (by.includes('minute')) return at;
    const date = new Date(at);
    if (by.includes('hour')) return date.setUTCMinutes(0, 0, 0);
    return by.includes('day') ? date.setUTCHours(0, 0, 0, 0) : null;
  };
  const lines = new Map<string, UsageLine>();
  for (const row of rows) {
    if (row.minute < from || row.minute >= to) continue;
    const group = {
      at: begin(row.minute),
      keyId: by.includes('key') ? row.keyId : null,
      network: by.includes('network') ? row.network : null,
      method: by.includes('method') ? row.method : null,
      status: by.includes('status') ? usageStatuses[row.status]! : null,
    };
    const name = JSON.stringify(Object.values(group));
    const line = lines.get(name) ?? { ...group, ...nothing() };
    lines.set(name, line);
    line[row.event ? 'events' : 'calls'] += row.calls;
    if (!row.event && row.status === 2) line.refused += row.calls;
    for (const count of ['cost', 'errors', 'bytesIn', 'bytesOut', 'latencyMicros'] as const)
      line[count] += row[count];
    row.latency.forEach((calls, bucket) => (line.latency[bucket]! += calls));
  }
  return [...lines.values()].sort(
    (a, b) =>
      a.at! - b.at! ||
      byBytes(a.keyId, b.keyId) ||
      byBytes(a.network, b.network) ||
      byBytes(a.method, b.method) ||
      byBytes(a.status, b.status),
  );
}

function nothing() {
  return {
    ...{ calls: 0, refused: 0, events: 0, cost: 0, errors: 0, bytesIn: 0, bytesOut: 0, latencyMicros: 0 },
    latency: new Array<number>(LATENCY_BUCKETS).fill(0),
  };
}

function byBytes(a: string | null, b: string | null): number {
  return Buffer.compare(Buffer.from(a ?? ''), Buffer.from(b ?? ''));
}
