import { addUsage } from './held-usage.ts';
import type { Frame } from './journal-reader.ts';
import type { FoldRow, Place } from './fold-row.ts';
import type { LedgerBatch, RawCalls } from './ledger.ts';
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
  /** The end of it. */
  batch(closed: boolean): LedgerBatch;
}

/** By method, key and network: maps in maps, so that no text is made for a record. */
type Rows = Map<string, Map<string, Map<string, FoldRow>>>;

export function createFold(segment: string, from: number, choose: RawChoice): Fold {
  const rows: FoldRow[] = [];
  const raw: RawCalls[] = [];
  /** By minute, status and kind; the texts below it. */
  const groups = new Map<number, Rows>();
  /** Those that have a row of ours: they live on in the reader, for each key there ever was, and are not to keep all rows with them. */
  const used: Place[] = [];
  let to = from;

  function rowOf(minute: number, record: UsageRecord): FoldRow {
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
      row = { ...emptyRecord(), minute, keyId, network, method, status, event, lastAt: 0, among: rows };
      byNetwork.set(network, row);
      rows.push(row);
    }
    return row;
  }

  function find(minute: number, record: UsageRecord, place: Place): FoldRow {
    const { row } = place;
    if (
      row !== null &&
      row.among === rows &&
      row.minute === minute &&
      row.method === record.method &&
      row.status === record.status &&
      row.network === record.network &&
      row.event === record.event
    ) {
      return row;
    }
    if (row?.among !== rows) used.push(place);
    return (place.row = rowOf(minute, record));
  }

  function lastUsed(): Map<string, number> {
    const byKey = new Map<string, number>();
    for (const { keyId, lastAt } of rows)
      if (keyId !== noKey && lastAt > (byKey.get(keyId) ?? -1)) byKey.set(keyId, lastAt);
    return byKey;
  }

  return {
    add({ epochMs, from: at, to: end, records, places }) {
      const minute = Math.floor(epochMs / MINUTE_MS) * MINUTE_MS;
      for (let index = 0; index < records.length; index++) {
        const record = records[index]!;
        const row = find(minute, record, places[index]!);
        addUsage(row, record);
        if (epochMs > row.lastAt) row.lastAt = epochMs;
        if (record.event) continue;
        const count = choose(at, index, record.calls);
        if (count === 0) continue;
        const { keyId, method, status } = record;
        raw.push({ keyId, method, status, at: epochMs, count });
      }
      to = end;
    },
    get full() {
      return rows.length >= ROWS_MAX || raw.length >= RAW_MAX || to - from >= BYTES_MAX;
    },
    get empty() {
      return to === from;
    },
    batch(closed) {
      for (const place of used) place.row = null;
      used.length = 0;
      return { segment, from, to, closed, rows, raw, lastUsed: lastUsed() };
    },
  };
}
