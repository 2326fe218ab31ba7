import { FRAME_HEAD_BYTES, frameChecksum, PAYLOAD_BYTES_MAX } from './journal-format.ts';
import { LATENCY_BUCKETS, type UsageRecord } from './record.ts';

/**
 * Entries of a payload. Numbers are LEB128, of up to 53 bits.
 *
 *     0x01 key       its UUID, 16 bytes             the next number of the segment's keys, from 0
 *     0x02 network   length, UTF-8                  likewise
 *     0x03 method    length, UTF-8                  likewise
 *     0x80 record    | status | event << 2 | errors << 3 | latency << 4
 *                    key, network, method, calls, cost, bytes in, bytes out, [errors],
 *                    [microseconds, and as many times as it takes until all calls are there: bucket, calls]
 */
export const tags = { key: 1, network: 2, method: 3, record: 0x80 } as const;
export const recordBits = { status: 0x03, event: 0x04, errors: 0x08, latency: 0x10 } as const;

/** What one record takes at most, its definitions included: texts of callers are at most 256 bytes, networks' 64 or so. */
const RECORD_BYTES_MAX = 4096;
/** A caller may make methods up; a segment that has defined so many things is full. */
const DEFINITIONS_MAX = 65_536;
const TEXT_BYTES_MAX = 1024;

/** Makes frames of records, in one buffer that is reused. */
export interface RecordEncoder {
  readonly bytes: Buffer;
  /** To be called for each new segment: nothing is defined, frames check with `salt`. */
  begin(salt: number): void;
  /**
   * Makes one frame of records from `from` on and returns how many it holds: all but where they are too many for one. Their
   * frame is `bytes[0, length)`.
   */
  encode(records: readonly UsageRecord[], from: number, epochMs: number): number;
  /** Of the frame made last, its head included. */
  readonly length: number;
  /** The segment should have no more frames: reading it would take too much memory. */
  readonly full: boolean;
}

export function createRecordEncoder(): RecordEncoder {
  const bytes = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + PAYLOAD_BYTES_MAX);
  const keys = new Map<string, number>();
  const networks = new Map<string, number>();
  const methods = new Map<string, number>();
  let salt = 0;
  let at = 0;
  /** Of the record before, which mostly are this one's too: saves three look-ups. */
  let last = { keyId: '', key: -1, network: '', networkNumber: -1, method: '', methodNumber: -1 };

  function put(value: number): void {
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
  }

  function keyNumber(id: string): number {
    const known = keys.get(id);
    if (known !== undefined) return known;
    bytes[at++] = tags.key;
    at += bytes.write(id.replaceAll('-', ''), at, 16, 'hex');
    keys.set(id, keys.size);
    return keys.size - 1;
  }

  function textNumber(numbers: Map<string, number>, text: string, tag: number): number {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    const encoded = Buffer.from(text, 'utf8').subarray(0, TEXT_BYTES_MAX);
    bytes[at++] = tag;
    put(encoded.length);
    at += encoded.copy(bytes, at);
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  }

  function define(record: UsageRecord): void {
    if (record.keyId !== last.keyId || last.key < 0) {
      last.key = keyNumber(record.keyId);
      last.keyId = record.keyId;
    }
    if (record.network !== last.network || last.networkNumber < 0) {
      last.networkNumber = textNumber(networks, record.network, tags.network);
      last.network = record.network;
    }
    if (record.method !== last.method || last.methodNumber < 0) {
      last.methodNumber = textNumber(methods, record.method, tags.method);
      last.method = record.method;
    }
  }

  function putRecord(record: UsageRecord): void {
    define(record);
    const { status, event, errors, latencyMicros, latency } = record;
    const timed = !event && status < 2;
    bytes[at++] =
      tags.record |
      status |
      (event ? recordBits.event : 0) |
      (errors > 0 ? recordBits.errors : 0) |
      (timed ? recordBits.latency : 0);
    put(last.key);
    put(last.networkNumber);
    put(last.methodNumber);
    put(record.calls);
    put(record.cost);
    put(record.bytesIn);
    put(record.bytesOut);
    if (errors > 0) put(errors);
    if (!timed) return;
    put(Math.round(latencyMicros));
    let left = record.calls;
    for (let bucket = 0; bucket < LATENCY_BUCKETS && left > 0; bucket++) {
      const calls = latency[bucket]!;
      if (calls === 0) continue;
      bytes[at++] = bucket;
      put(calls);
      left -= calls;
    }
  }

  return {
    bytes,
    begin(next) {
      salt = next;
      keys.clear();
      networks.clear();
      methods.clear();
      last = { keyId: '', key: -1, network: '', networkNumber: -1, method: '', methodNumber: -1 };
    },
    encode(records, from, epochMs) {
      at = FRAME_HEAD_BYTES;
      const high = Math.floor(epochMs / 0x1_0000_0000);
      bytes.writeUInt32LE(epochMs - high * 0x1_0000_0000, at);
      bytes.writeUInt16LE(high, at + 4);
      at += 6;
      let next = from;
      while (next < records.length && at < bytes.length - RECORD_BYTES_MAX) putRecord(records[next++]!);
      const length = at - FRAME_HEAD_BYTES;
      bytes.writeUInt32LE(length, 0);
      bytes.writeUInt32LE(frameChecksum(bytes, FRAME_HEAD_BYTES, length, salt), 4);
      return next - from;
    },
    get length() {
      return at;
    },
    get full() {
      return keys.size + networks.size + methods.size >= DEFINITIONS_MAX;
    },
  };
}
