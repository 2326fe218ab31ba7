import type { UsageRecord } from './record.ts';
import { emptyRecord } from './turn.ts';

/** Usage that waits in memory for room in the journal: folded, so that it grows with kinds and not with calls. */
export interface HeldUsage {
  add(records: readonly UsageRecord[], from: number): void;
  /** All of it; it is empty then. */
  take(): UsageRecord[];
}

export function createHeldUsage(): HeldUsage {
  const held = new Map<string, UsageRecord>();
  return {
    add(records, from) {
      for (const record of records.slice(from)) {
        const key = JSON.stringify([
          record.keyId,
          record.network,
          record.method,
          record.status,
          record.event,
        ]);
        let sum = held.get(key);
        if (sum === undefined) {
          const { keyId, network, method, status, event } = record;
          held.set(key, (sum = { ...emptyRecord(), keyId, network, method, status, event }));
        }
        addUsage(sum, record);
      }
    },
    take() {
      const all = [...held.values()];
      held.clear();
      return all;
    },
  };
}

/** Adds what `record` counts to `sum`. */
export function addUsage(sum: UsageRecord, record: UsageRecord): void {
  sum.calls += record.calls;
  sum.cost += record.cost;
  sum.errors += record.errors;
  sum.bytesIn += record.bytesIn;
  sum.bytesOut += record.bytesOut;
  sum.latencyMicros += record.latencyMicros;
  if (record.event || record.status > 1) return;
  const from = record.latency;
  const to = sum.latency;
  // Most records are of one call: no bucket behind its own is looked at.
  for (let bucket = 0, left = record.calls; left > 0 && bucket < from.length; bucket++) {
    const calls = from[bucket]!;
    to[bucket]! += calls;
    left -= calls;
  }
}
