import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOfKey, digestOfSha256, hashKey } from './api-key.ts';
import { copyKeyIndex } from './key-index-copy.ts';
import { createKeyIndexReader } from './key-index-reader.ts';
import { buildKeyIndex, createKeyIndexWriter, type KeyEntry } from './key-index-writer.ts';
import { keyFlag } from './key-layout.ts';
import { uuidBytes } from './uuid.ts';

function entry(name: string, changes: Partial<KeyEntry> = {}): KeyEntry {
  return {
    sha256: hashKey(name),
    id: hashKey(`id of ${name}`).subarray(0, 16),
    keyNumber: 1,
    ruleSet: 0,
    enabled: true,
    expiresAtMs: 0,
    prefix: 'abcdefgh',
    quota: false,
    userSlot: -1,
    ...changes,
  };
}

function lookUp(index: SharedArrayBuffer, sha256: Uint8Array): Omit<KeyEntry, 'sha256'> | undefined {
  const reader = createKeyIndexReader(index);
  const slot = reader.find(digestOfSha256(sha256));
  if (slot < 0) return undefined;
  const flags = reader.flags(slot);
  return {
    id: uuidBytes(reader.keyId(slot)),
    keyNumber: reader.keyNumber(slot),
    ruleSet: reader.ruleSet(slot),
    userSlot: reader.userSlot(slot),
    enabled: (flags & keyFlag.enabled) !== 0,
    quota: (flags & keyFlag.quota) !== 0,
    expiresAtMs: reader.expiresAtMs(slot),
    prefix: reader.prefix(slot),
  };
}

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
const changes = fc.record({
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
  keyNumber: fc.nat(0x7fffffff),
  ruleSet: fc.nat(3),
  userSlot: fc.integer({ min: -1, max: 2 ** 24 }),
  enabled: fc.boolean(),
  quota: fc.boolean(),
  expiresAtMs: fc.constantFrom(0, 1_800_000_000_123),
  prefix: fc.stringMatching(/^[0-9A-Za-z]{8}$/),
});

describe('the key index', () => {
  it('finds what was put and not removed, as last put', () => {
    const step = fc.tuple(names, fc.option(changes));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 10 }), (steps, first) => {
        const model = new Map<string, Omit<KeyEntry, 'sha256'>>();
        const built = first.flatMap(([name, change]) => (change === null ? [] : [entry(name, change)]));
        for (const [name, change] of first) if (change !== null) model.set(name, change);
        const index = buildKeyIndex(built, 60);
        const writer = createKeyIndexWriter(index);
        for (const [name, change] of steps) {
          const done = change === null ? writer.remove(hashKey(name)) : writer.put(entry(name, change));
          expect(done).toBe(change !== null || model.delete(name));
          if (change !== null) model.set(name, change);
        }
        expect(writer.size).toBe(model.size);
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
          expect(lookUp(index, hashKey(name))).toEqual(model.get(name));
      }),
    );
  });

  it('holds many keys and none besides', () => {
    const index = buildKeyIndex(Array.from({ length: 20_000 }, (_, i) => entry(`k${i}`, { keyNumber: i })));
    const reader = createKeyIndexReader(index);
    const wrong = Array.from({ length: 20_000 }, (_, i) => i).filter(
      (i) =>
        reader.keyNumber(reader.find(digestOfKey(`k${i}`))) !== i || reader.find(digestOfKey(`x${i}`)) !== -1,
    );
    expect(wrong).toEqual([]);
    expect(index.byteLength / 20_000).toBeLessThan(256);
  });

  it('tells keys apart by more than the words that choose the slot', () => {
    const one = new Uint8Array(32).fill(7);
    const near = Array.from({ length: 16 }, (_, i) => {
      const bytes = one.slice();
      bytes[i] = 8;
      return bytes;
    });
    const index = buildKeyIndex(near.map((sha256, i) => entry('', { sha256, keyNumber: i })));
    expect(lookUp(index, one)).toBeUndefined();
    for (const [i, sha256] of near.entries()) expect(lookUp(index, sha256)?.keyNumber).toBe(i);
  });

  it('says no when its room is used up and goes on serving', () => {
    const writer = createKeyIndexWriter(buildKeyIndex([entry('a')], 2));
    expect(writer.put(entry('b'))).toBe(true);
    expect(writer.put(entry('a', { ruleSet: 4 }))).toBe(true);
    expect(writer.room).toBe(0);
    expect(writer.put(entry('c'))).toBe(false);
    expect(writer.put(entry('a', { ruleSet: 5 }))).toBe(false);
    expect(writer.put(entry('a', { ruleSet: 4, enabled: false }))).toBe(true);
    expect(writer.remove(hashKey('b'))).toBe(true);
    expect(writer.size).toBe(1);
  });

  it('is copied with more room, without what was retired, and is left as it was', () => {
    const all = Array.from({ length: 500 }, (_, i) => entry(`k${i}`, { keyNumber: i, enabled: i % 3 > 0 }));
    const index = buildKeyIndex(all, 200);
    const writer = createKeyIndexWriter(index);
    for (let i = 0; i < 200; i += 1) writer.put(entry(`k${i}`, { ruleSet: 7, keyNumber: i }));
    for (let i = 400; i < 500; i += 1) writer.remove(hashKey(`k${i}`));
    expect(writer.room).toBe(0);
    const copy = copyKeyIndex(index, 3000);
    const copied = createKeyIndexWriter(copy);
    expect([copied.size, copied.room]).toEqual([400, 3000]);
    for (const { sha256 } of all) expect(lookUp(copy, sha256)).toEqual(lookUp(index, sha256));
    for (let i = 0; i < 3000; i += 1) expect(copied.put(entry(`new${i}`))).toBe(true);
    expect(lookUp(index, hashKey('new0'))).toBeUndefined();
    expect(copyKeyIndex(copy).byteLength).toBe(copy.byteLength);
  });

  it('keeps a slot for one version of one key: a change shows as retired', () => {
    const index = buildKeyIndex([entry('a', { ruleSet: 1 })]);
    const writer = createKeyIndexWriter(index);
    const reader = createKeyIndexReader(index);
    const slot = reader.find(digestOfSha256(hashKey('a')));
    writer.put(entry('a', { ruleSet: 1, enabled: false }));
    expect(reader.flags(slot)).toBe(keyFlag.live);
    writer.put(entry('a', { ruleSet: 2 }));
    expect(reader.flags(slot)).toBe(keyFlag.retired);
    expect(reader.ruleSet(slot)).toBe(1);
    writer.remove(hashKey('a'));
    for (let i = 0; i < 500; i += 1) writer.put(entry(`other${i}`, { ruleSet: 9 }));
    expect(reader.ruleSet(slot)).toBe(1);
  });

  it('refuses memory that is no index, and entries that are none', () => {
    expect(() => createKeyIndexReader(new SharedArrayBuffer(1024))).toThrow(TypeError);
    const writer = createKeyIndexWriter(buildKeyIndex([]));
    expect(() => writer.put(entry('a', { sha256: new Uint8Array(31) }))).toThrow(RangeError);
    expect(() => writer.put(entry('a', { prefix: 'abc' }))).toThrow(RangeError);
  });
});

/**
 * Reads the keys `k0`–`k49` without pause until word 1 of `signal` is set. Every version of a key says its
 * version in all of its fields; the keys below 25 are never removed.
 */
const readerThread = `
const { workerData, parentPort } = require('node:worker_threads');
Promise.all([import(workerData.reader), import(workerData.keys)]).then(([{ createKeyIndexReader }, keys]) => {
  const reader = createKeyIndexReader(workerData.index);
  const digests = Array.from({ length: 50 }, (_, i) => keys.digestOfKey('k' + i));
  const signal = new Int32Array(workerData.signal);
  const faults = [];
  const versions = new Set();
  let reads = 0;
  let missing = 0;
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
  while (Atomics.load(signal, 1) === 0 || reads < 50) {
    for (let i = 0; i < 50; i++) {
      reads++;
      const slot = reader.find(digests[i]);
      if (slot < 0) {
        missing++;
        if (i < 25) faults.push('k' + i + ' was missing');
        continue;
      }
      const version = reader.ruleSet(slot);
      versions.add(version);
      if (reader.keyNumber(slot) !== i) faults.push('another key');
      if (reader.expiresAtMs(slot) !== version * 1000 + i) faults.push('expiry of another version');
      if (reader.prefix(slot) !== String(version).padStart(8, '0')) faults.push('prefix of another version');
    }
  }
  parentPort.postMessage({ reads, missing, faults: faults.slice(0, 5), versions: versions.size });
});
`;

describe('a reader in another thread', () => {
  it('sees every key whole, and never misses one that is only changed', async () => {
    const rounds = 400;
    const version = (i: number, round: number): KeyEntry =>
      entry(`k${i}`, {
        keyNumber: i,
        ruleSet: round,
        expiresAtMs: round * 1000 + i,
        prefix: String(round).padStart(8, '0'),
      });
    const all = Array.from({ length: 50 }, (_, i) => i);
    const index = buildKeyIndex(
      all.map((i) => version(i, 0)),
      50 * rounds,
    );
    const writer = createKeyIndexWriter(index);
    const signal = new SharedArrayBuffer(8);
    const words = new Int32Array(signal);
    const worker = new Worker(readerThread, {
      eval: true,
      workerData: {
        index,
        signal,
        reader: new URL('./key-index-reader.ts', import.meta.url).href,
        keys: new URL('./api-key.ts', import.meta.url).href,
      },
    });
    const message = once(worker, 'message');
    await Atomics.waitAsync(words, 0, 0).value;
    let refused = 0;
    for (let round = 1; round <= rounds; round += 1) {
      for (const i of all) {
        if (i >= 25 && round % 3 === 0) writer.remove(hashKey(`k${i}`));
        refused += writer.put(version(i, round)) ? 0 : 1;
      }
    }
    expect(refused).toBe(0);
    Atomics.store(words, 1, 1);
    const [report] = await message;
    await worker.terminate();
    expect(report.faults).toEqual([]);
    expect(report.versions).toBeGreaterThan(10);
    expect(report.reads).toBeGreaterThan(1000);
  });
});
