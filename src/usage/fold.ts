import { addUsage } from './held-usage.ts';
import type { Frame } from './journal-reader.ts';
import type { LedgerBatch, LedgerRow, RawCalls } from './ledger.ts';
import type { RawChoice } from './raw-calls.ts';
import { noKey, type UsageRecord } from './record.ts';
import { emptyRecord } from './turn.ts';

/**
 * What one batch holds at most, to within a frame: one transaction of 10 to 100 ms, of 400 on a busy machine. With half as many rows 1000 keys of 8
 * methods made batches of a tenth of the records: 40,000 records a second went into SQLite, and not 190,000.
 */
const ROWS_MAX = 10_000;
const RAW_MAX = 20_000;
const BYTES_MAX = 1 << 20;
const MINUTE_MS = 60_000;

/** Frames of one segment, folded by minute until they are a batch. */
export interface Fold {
  add(frame: Frame): void;
  /** It is large enough to be applied. */
  readonly full: boolean;
  readonly empty: boolean;
  batch(closed: boolean): LedgerBatch;
}

/** By method, key and network: maps in maps, so that no text is made for a record. */
type Rows = Map<string, Map<string, Map<string, LedgerRow>>>;

export function createFold(segment: string, from: number, choose: RawChoice): Fold {
  const rows: LedgerRow[] = [];
  const raw: RawCalls[] = [];
  const lastUsed = new Map<string, number>();
  /** By minute, status and kind; the texts below it. */
  const groups = new Map<number, Rows>();
  let to = from;

  function rowOf(minute: number, record: UsageRecord): LedgerRow {
    const kind = minute * 8 + record.status * 2 + (record.event ? 1 : 0);
    let group = groups.get(kind);
    if (group === undefined) groups.set(kind, (group = new Map()));
    let byKey = group.get(record.method);
    if (byKey === undefined) group.set(record.method, (byKey = new Map()));
    let byNetwork = byKey.get(record.keyId);
    if (byNetwork === undefined) byKey.set(record.keyId, (byNetwork = new Map()));
    let row = byNetwork.get(record.network);
    if (row === undefined) {
      const { keyId, network, method, status, event } = record;
      row = { ...emptyRecord(), minute, keyId, network, method, status, event };
      byNetwork.set(network, row);
      rows.push(row);
    }
    return row;
  }

  return {
    add({ epochMs, from: at, to: end, records }) {
      const minute = Math.floor(epochMs / MINUTE_MS) * MINUTE_MS;
      for (let index = 0; index < records.length; index++) {
        const record = records[index]!;
        addUsage(rowOf(minute, record), record);
        const { keyId, method, status } = record;
        if (keyId !== noKey && epochMs > (lastUsed.get(keyId) ?? -1)) lastUsed.set(keyId, epochMs);
        if (record.event) continue;
        const count = choose(at, index, record.calls);
        if (count > 0) raw.push({ keyId, method, status, at: epochMs, count });
      }
      to = end;
    },
    get full() {
      return rows.length >= ROWS_MAX || raw.length >= RAW_MAX || to - from >= BYTES_MAX;
    },
    get empty() {
      return to === from;
    },
    batch: (closed) => ({ segment, from, to, closed, rows, raw, lastUsed }),
  };
}
