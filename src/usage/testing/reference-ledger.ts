import { addUsage } from '../held-usage.ts';
import type { Ledger, LedgerBatch, LedgerRow, RawCalls, SegmentState } from '../ledger.ts';
import { emptyRecord } from '../turn.ts';

/** A ledger in memory, which can be away and can lose its answers. */
export interface ReferenceLedger extends Ledger {
  readonly rows: Map<string, LedgerRow>;
  readonly raw: RawCalls[];
  readonly states: Map<string, SegmentState>;
  readonly lastUsed: Map<string, number>;
  /** Batches that were applied. */
  applied: number;
  /** Asked before each call: what it does. `lost`: it applies, and rejects all the same. */
  mood: () => 'well' | 'away' | 'lost';
  /** Its clock, which stands at 0. */
  epochMs: () => number;
}

export function createReferenceLedger(): ReferenceLedger {
  const ledger: ReferenceLedger = {
    rows: new Map(),
    raw: [],
    states: new Map(),
    lastUsed: new Map(),
    applied: 0,
    mood: () => 'well',
    epochMs: () => 0,
    async segments(names) {
      if (ledger.mood() !== 'well') throw new Error('ledger away');
      return new Map(
        names.flatMap((name) => {
          const state = ledger.states.get(name);
          return state === undefined ? [] : [[name, { ...state }]];
        }),
      );
    },
    async apply(batch) {
      const mood = ledger.mood();
      if (mood === 'away') throw new Error('ledger away');
      const { offset, closed } = ledger.states.get(batch.segment) ?? { offset: 0, closed: false };
      const fresh = offset === batch.from && (!closed || batch.to > batch.from);
      if (fresh) take(ledger, batch);
      if (mood === 'lost') throw new Error('no answer');
      return fresh;
    },
  };
  return ledger;
}

function take(ledger: ReferenceLedger, { segment, to, closed, rows, raw, lastUsed }: LedgerBatch): void {
  ledger.applied++;
  ledger.states.set(segment, { offset: to, closed, appliedAt: ledger.epochMs() });
  ledger.raw.push(...raw);
  for (const [keyId, at] of lastUsed)
    ledger.lastUsed.set(keyId, Math.max(at, ledger.lastUsed.get(keyId) ?? 0));
  for (const row of rows) {
    const { minute, keyId, network, method, status, event } = row;
    const key = [minute, keyId, network, method, status, event].join('|');
    let sum = ledger.rows.get(key);
    if (sum === undefined)
      ledger.rows.set(key, (sum = { ...emptyRecord(), minute, keyId, network, method, status, event }));
    addUsage(sum, row);
  }
}
