import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createJournalReader, type JournalReader } from '../journal-reader.ts';
import type { SegmentBytes } from '../journal-tail.ts';
import { createJournalWriter, type JournalOptions, type JournalWriter } from '../journal-writer.ts';
import { noKey, type UsageRecord } from '../record.ts';
import { createTurnUsage, type TurnUsage } from '../turn.ts';

const folders: string[] = [];

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'usage-'));
  folders.push(folder);
  return folder;
}

/** For `afterEach`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function openJournal(over: Partial<JournalOptions> & { folder: string }): JournalWriter {
  return createJournalWriter({
    run: 'run',
    slot: 0,
    start: 0,
    holds: () => true,
    onFull: () => {},
    epochMs: () => 1_700_000_000_000,
    nowMs: () => 0,
    ...over,
  });
}

export function bytesSource(bytes: Buffer): SegmentBytes {
  return {
    size: () => bytes.length,
    read: (buffer, length, position) =>
      position >= bytes.length ? 0 : bytes.copy(buffer, 0, position, position + length),
  };
}

/** All frames of a segment, copied. */
export function framesOf(reader: JournalReader): { epochMs: number; to: number; records: UsageRecord[] }[] {
  const frames = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next())
    frames.push({
      epochMs: frame.epochMs,
      to: frame.to,
      records: structuredClone([...frame.records]),
    });
  return frames;
}

/** All records of a folder's journals. */
export function recordsIn(folder: string): UsageRecord[] {
  return readdirSync(folder)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((file) => {
      const reader = createJournalReader(bytesSource(readFileSync(join(folder, file))));
      return 'fault' in reader ? [] : framesOf(reader).flatMap(({ records }) => records);
    });
}

export const keyA = 'aaaaaaaa-0000-4000-8000-00000000000a';
export const keyB = 'bbbbbbbb-0000-4000-8000-00000000000b';

/** One call, or event, of a turn. */
export type TestCall = (usage: TurnUsage) => void;

const name = fc.constantFrom('eth_call', 'eth_getLogs', 'münze_ß', 'm'.repeat(256), '');

export const testCall: fc.Arbitrary<TestCall> = fc
  .record({
    keyId: fc.constantFrom(noKey, keyA, keyB),
    network: fc.constantFrom('mainnet', 'l2', ''),
    method: name,
    kind: fc.constantFrom('call', 'call', 'call', 'refused', 'event'),
    status: fc.constantFrom(0, 1),
    cost: fc.oneof(fc.nat(20), fc.constant(2 ** 40)),
    isError: fc.boolean(),
    bytes: fc.oneof(fc.nat(100_000), fc.constant(2 ** 33 + 5)),
    micros: fc.oneof(fc.nat(10_000_000), fc.constant(0), fc.constant(2 ** 32)),
  })
  .map(
    ({ keyId, network, method, kind, status, cost, isError, bytes, micros }): TestCall =>
      (usage) => {
        if (kind === 'event') usage.addEvent(keyId, network, cost, bytes);
        else if (kind === 'refused') usage.refuse(keyId, network, method, bytes, 10);
        else usage.add(keyId, network, method, status, cost, isError, bytes, bytes + 1, micros);
      },
  );

/** The records of a turn of these calls. */
export function turnOf(calls: readonly TestCall[]): UsageRecord[] {
  let records: UsageRecord[] = [];
  const usage = createTurnUsage((committed) => {
    records = structuredClone([...committed]);
  });
  for (const call of calls) call(usage);
  usage.commit();
  return records;
}

/** One call of one key. */
export const oneCall = turnOf([
  (usage) => usage.add(keyA, 'mainnet', 'eth_call', 0, 1, false, 100, 200, 1500),
]);

/** A segment of these turns, in memory. */
export function segmentOf(records: ReturnType<typeof turnOf>[]): Buffer {
  const folder = newFolder();
  const journal = openJournal({ folder });
  for (const turn of records) journal.write(turn);
  return readFileSync(join(folder, readdirSync(folder)[0]!));
}

/** All of a segment that can be read. */
export const readSegment = (bytes: Buffer) => {
  const reader = createJournalReader(bytesSource(bytes));
  return 'fault' in reader ? reader : { frames: framesOf(reader), reader };
};

export function framesIn(bytes: Buffer): ReturnType<typeof framesOf> {
  const result = readSegment(bytes);
  if ('fault' in result) throw new Error(result.fault);
  return result.frames;
}
