import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEAD_BYTES } from './journal-format.ts';
import type { UsageRecord } from './record.ts';
import { createRecordDecoder } from './record-decoder.ts';
import { createRecordEncoder } from './record-encoder.ts';
import { keyA, turnOf } from './testing/journals.ts';
import { emptyRecord } from './turn.ts';

/** The payload of one frame. */
function payloadOf(records: readonly UsageRecord[]): Buffer {
  const encoder = createRecordEncoder();
  encoder.begin(1);
  encoder.encode(records, 0, 1_700_000_000_123);
  return Buffer.from(encoder.bytes.subarray(FRAME_HEAD_BYTES, encoder.length));
}
const decode = (bytes: Buffer) => createRecordDecoder().decode(bytes, 0, bytes.length);

/** All that a record may hold: a latency, an error, several calls, another network. */
const records = turnOf([
  (usage) => usage.add(keyA, 'mainnet', 'eth_call', 0, 3, false, 100, 200, 1500),
  (usage) => usage.add(keyA, 'mainnet', 'eth_call', 0, 3, false, 100, 200, 90_000),
  (usage) => usage.add(keyA, 'mainnet', 'eth_getLogs', 0, 75, true, 1, 2, 3),
  (usage) => usage.add(keyA, 'sepolia', 'eth_call', 2, 0, false, 7, 8, 0),
]);
const whole = payloadOf(records);
const { latency, latencyMicros } = emptyRecord();
const emptyTimes = { latency, latencyMicros };

describe('a payload', () => {
  it('is what was written', () => {
    const decoder = createRecordDecoder();
    // How long a refusal took is not kept.
    const kept = records.map((record) => (record.status > 1 ? { ...record, ...emptyTimes } : record));
    expect(decoder.decode(whole, 0, whole.length)).toEqual(kept);
    expect(decoder.epochMs).toBe(1_700_000_000_123);
  });

  it.each([
    ['is too short for a time', [1, 2, 3]],
    ['ends in a key', [0, 0, 0, 0, 0, 0, 1, 9, 9]],
    ['ends in a text', [0, 0, 0, 0, 0, 0, 2, 5, 0x61]],
    ['ends in a number', [0, 0, 0, 0, 0, 0, 3, 0x80]],
    ['has a number without end', [0, 0, 0, 0, 0, 0, 3, ...Array.from({ length: 12 }, () => 0xff)]],
    ['has an entry of no kind', [0, 0, 0, 0, 0, 0, 4]],
    ['has a record of a key that was not named', [0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 1, 1, 1]],
  ])('that %s is none', (_what, bytes) => {
    expect(decode(Buffer.from(bytes))).toBeUndefined();
  });

  it('of which an end is lacking is none, or has fewer records: none is made up', () => {
    for (let length = 0; length < whole.length; length += 1) {
      const some = decode(whole.subarray(0, length)) ?? [];
      expect(some.length).toBeLessThan(records.length);
      const calls = (of: readonly UsageRecord[]) => of.map(({ method, calls: count }) => [method, count]);
      expect(calls(some)).toEqual(calls(records.slice(0, some.length)));
    }
  });

  it('of any bytes is read to its end or refused, and every record is a sound one', () => {
    const change = fc.tuple(fc.nat(whole.length - 7), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, to] of changes) bytes[6 + at] = to;
        for (const record of decode(bytes) ?? []) {
          const { status, calls, cost, errors, bytesIn, bytesOut } = record;
          for (const number of [calls, cost, errors, bytesIn, bytesOut, record.latencyMicros])
            expect(number).toBeGreaterThanOrEqual(0);
          expect(status).toBeLessThanOrEqual(2);
          const inBuckets = record.latency.reduce((sum, count) => sum + count, 0);
          expect([0, calls]).toContain(inBuckets);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
