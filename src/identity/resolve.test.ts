import { describe, expect, it } from 'vitest';
import { hashKey } from './api-key.ts';
import { buildKeyIndex, createKeyIndexWriter, type KeyEntry } from './key-index-writer.ts';
import { createKeyResolver, keyRefusal } from './resolve.ts';

function entry(key: string, changes: Partial<KeyEntry> = {}): KeyEntry {
  const plain = { keyNumber: 1, ruleSet: 0, enabled: true, expiresAtMs: 0, prefix: 'abcdefgh' };
  const uncounted = { quota: false, userSlot: -1 };
  return { sha256: hashKey(key), id: new Uint8Array(16), ...plain, ...uncounted, ...changes };
}

describe('createKeyResolver', () => {
  it('tells known, unknown, disabled and expired keys apart', () => {
    const index = buildKeyIndex([
      entry('good'),
      entry('off', { enabled: false }),
      entry('old', { expiresAtMs: 1000 }),
    ]);
    const resolver = createKeyResolver(index);
    expect(resolver.resolve('good', 0)).toBeGreaterThanOrEqual(0);
    expect(resolver.resolve('bad', 0)).toBe(keyRefusal.unknown);
    expect(resolver.resolve('', 0)).toBe(keyRefusal.unknown);
    expect(resolver.resolve('off', 0)).toBe(keyRefusal.disabled);
    expect(resolver.resolve('old', 999)).toBeGreaterThanOrEqual(0);
    expect(resolver.resolve('old', 1000)).toBe(keyRefusal.expired);
  });

  it('rechecks a remembered slot against what has changed since', () => {
    const index = buildKeyIndex([entry('a')]);
    const writer = createKeyIndexWriter(index);
    const resolver = createKeyResolver(index);
    const slot = resolver.resolve('a', 0);
    expect(resolver.recheck(slot, 'a', 0)).toBe(slot);
    writer.put(entry('a', { enabled: false }));
    expect(resolver.recheck(slot, 'a', 0)).toBe(keyRefusal.disabled);
    writer.put(entry('a', { expiresAtMs: 10 }));
    const next = resolver.recheck(slot, 'a', 0);
    expect(next).toBeGreaterThanOrEqual(0);
    expect(next).not.toBe(slot);
    expect(resolver.recheck(next, 'a', 10)).toBe(keyRefusal.expired);
    writer.remove(hashKey('a'));
    expect(resolver.recheck(next, 'a', 0)).toBe(keyRefusal.unknown);
    expect(resolver.recheck(keyRefusal.unknown, 'a', 0)).toBe(keyRefusal.unknown);
  });
});
