import type { Place } from './fold-row.ts';
import { LATENCY_BUCKETS, type UsageRecord } from './record.ts';
import { recordBits, tags } from './record-encoder.ts';
import { emptyLatency, emptyRecord } from './turn.ts';

/** Reads the payloads of one segment, in order: each may define what later ones name. */
export interface RecordDecoder {
  /** Epoch milliseconds of the turn read last. */
  readonly epochMs: number;
  /** Of each record that was read last. */
  readonly places: readonly Place[];
  /**
   * The records of a payload; they are reused by the next call. undefined where it is none, which a payload that checks is only
   * if another program wrote it.
   */
  decode(bytes: Buffer, from: number, to: number): readonly UsageRecord[] | undefined;
}

/** Methods of one key that have a place each; others share one. */
const METHODS_APART = 8;

export function createRecordDecoder(): RecordDecoder {
  const keys: string[] = [];
  const networks: string[] = [];
  const methods: string[] = [];
  const spare: UsageRecord[] = [];
  const records: UsageRecord[] = [];
  const places: Place[] = [];
  /** By number of the key and method. */
  const allPlaces: (Place | undefined)[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let end = 0;
  let epochMs = 0;

  /** NaN beyond the end, and whatever is counted with it is NaN too. */
  function take(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      if (at >= end || scale > 2 ** 49) return Number.NaN;
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  function takeKey(): boolean {
    if (at + 16 > end) return false;
    const hex = bytes.toString('hex', at, at + 16);
    at += 16;
    keys.push(
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    );
    for (let method = 0; method < METHODS_APART; method++) allPlaces.push(undefined);
    return true;
  }

  function takeText(texts: string[]): boolean {
    const length = take();
    if (!(at + length <= end)) return false;
    texts.push(bytes.toString('utf8', at, at + length));
    at += length;
    return true;
  }

  function takeRecord(tag: number): boolean {
    const record = spare[records.length] ?? (spare[records.length] = emptyRecord());
    const keyNumber = take();
    const keyId = keys[keyNumber];
    const network = networks[take()];
    const methodNumber = take();
    const method = methods[methodNumber];
    if (keyId === undefined || network === undefined || method === undefined) return false;
    const place = keyNumber * METHODS_APART + (methodNumber % METHODS_APART);
    places[records.length] = allPlaces[place] ??= { row: null };
    emptyLatency(record);
    record.keyId = keyId;
    record.network = network;
    record.method = method;
    record.status = tag & recordBits.status;
    record.event = (tag & recordBits.event) !== 0;
    record.calls = take();
    record.cost = take();
    record.bytesIn = take();
    record.bytesOut = take();
    record.errors = (tag & recordBits.errors) === 0 ? 0 : take();
    record.latencyMicros = 0;
    if ((tag & recordBits.latency) !== 0 && !takeLatency(record)) return false;
    const sum = record.calls + record.cost + record.bytesIn + record.bytesOut + record.errors;
    if (record.status > 2 || Number.isNaN(sum)) return false;
    records.push(record);
    return true;
  }

  function takeLatency(record: UsageRecord): boolean {
    record.latencyMicros = take();
    let left = record.calls;
    while (left > 0) {
      const bucket = take();
      const calls = take();
      // A bucket that comes twice would lose what it had: the buckets are to hold all calls.
      if (!(bucket < LATENCY_BUCKETS) || !(calls > 0) || record.latency[bucket] !== 0) return false;
      record.latency[bucket] = calls;
      left -= calls;
    }
    return left === 0 && !Number.isNaN(record.latencyMicros);
  }

  function takeEntry(tag: number): boolean {
    if (tag >= tags.record) return takeRecord(tag);
    if (tag === tags.key) return takeKey();
    if (tag === tags.network) return takeText(networks);
    return tag === tags.method && takeText(methods);
  }

  return {
    places,
    get epochMs() {
      return epochMs;
    },
    decode(given, from, to) {
      records.length = 0;
      if (to - from < 6) return undefined;
      bytes = given;
      at = from + 6;
      end = to;
      epochMs = bytes.readUInt32LE(from) + bytes.readUInt16LE(from + 4) * 0x1_0000_0000;
      while (at < end) if (!takeEntry(bytes[at++]!)) return undefined;
      return records;
    },
  };
}
