import { describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { createFixture } from '../testing/fixture.ts';

const second = 1_000_000;
const minute = 60 * second;

describe('versions', () => {
  test('the same scope and parameters keep theirs, others get another', () => {
    const { versions } = createFixture();
    const a = versions.versionOf('a', { requests: 1, periodMs: 1000, burst: 0 });
    expect(versions.versionOf('a', { requests: 1, periodMs: 1000, burst: 0 })).toBe(a);
    expect(versions.versionOf('b', { requests: 1, periodMs: 1000, burst: 0 })).not.toBe(a);
    expect(versions.versionOf('a', { requests: 2, periodMs: 1000, burst: 0 })).not.toBe(a);
  });

  test('have one shape each, the same object whoever asks, until they are recycled', () => {
    const { versions } = createFixture();
    const version = versions.versionOf('a', { requests: 1, periodMs: 1000, burst: 0 });
    expect(versions.shapeOf(version)).toMatchObject({ tickMicros: expect.any(Number) });
    expect(versions.shapeOf(version)).toBe(versions.shapeOf(version));
    versions.retireExcept(new Set(), 0);
    versions.retireExcept(new Set(), 1e12);
    expect(versions.shapeOf(version)).toBeUndefined();
  });

  test('are recycled a full refill and a minute after they were retired, not before', () => {
    const { versions } = createFixture({ versions: 3 });
    const slow = { requests: 1, periodMs: 600_000, burst: 1 };
    const fast = { requests: 1, periodMs: 1000, burst: 1 };
    const kept = versions.versionOf('kept', slow);
    const gone = versions.versionOf('gone', fast);
    expect(() => versions.versionOf('third', fast)).toThrow(RangeError);
    versions.retireExcept(new Set([kept]), 0);
    versions.retireExcept(new Set([kept]), minute + 1.5 * second);
    expect(() => versions.versionOf('third', fast)).toThrow(RangeError);
    versions.retireExcept(new Set([kept]), minute + 2 * second + 1);
    const third = versions.versionOf('third', fast);
    expect(third).not.toBe(gone);
    expect(third & 0xfffff).toBe(gone & 0xfffff);
    expect(versions.versionOf('kept', slow)).toBe(kept);
  });

  test('that were retired and are asked for again come back to life', () => {
    const { versions } = createFixture();
    const rule = { requests: 1, periodMs: 1000, burst: 1 };
    const version = versions.versionOf('a', rule);
    versions.retireExcept(new Set(), 0);
    expect(versions.versionOf('a', rule)).toBe(version);
    versions.retireExcept(new Set([version]), 1e12);
    versions.retireExcept(new Set([version]), 2e12);
    expect(versions.versionOf('a', rule)).toBe(version);
  });

  test('an entry of a recycled one is a full bucket, not one of the new rule', () => {
    const { versions, take, chain } = createFixture({ versions: 3 });
    const old = { requests: 1, periodMs: 1000, burst: 0 };
    expect(take('a', old, 0)).toBe(outcomes.allowed);
    versions.retireExcept(new Set(), 0);
    versions.retireExcept(new Set(), 10 * minute);
    const next = { requests: 5, periodMs: 86_400_000, burst: 0 };
    versions.versionOf('other', next);
    expect(take('a', next, 10 * minute)).toBe(outcomes.allowed);
    expect(chain.before[0]).toBe(5);
  });

  test('parameters that no bucket holds are an error', () => {
    const { versions } = createFixture();
    expect(() => versions.versionOf('a', { requests: 0, periodMs: 1000, burst: 0 })).toThrow(RangeError);
  });
});

describe('a reload', () => {
  const small = { requests: 10, periodMs: 10_000, burst: 0 };

  test.each([
    ['raised', { requests: 100, periodMs: 10_000, burst: 0 }, 40],
    ['lowered', { requests: 5, periodMs: 10_000, burst: 0 }, 2],
    ['with another period', { requests: 10, periodMs: 86_400_000, burst: 0 }, 4],
    ['with a coarser tick', { requests: 999_983, periodMs: 31 * 86_400_000, burst: 17 }, 400_000],
  ])('%s keeps the fill ratio and acts at once', (_name, next, expected) => {
    const { take, chain } = createFixture();
    take('a', small, 0, 6);
    take('a', next, 0, 0);
    expect(chain.before[0]).toBeCloseTo(expected, 6);
  });

  test('refills by the old rule up to the reload and by the new one from then on', () => {
    const { take, chain } = createFixture();
    take('a', small, 0, 10);
    const next = { requests: 20, periodMs: 20_000, burst: 0 };
    expect(take('a', next, 2 * second, 20)).toBe(outcomes.exceeded);
    expect(chain.before[0]).toBe(4);
    take('a', next, 3 * second, 0);
    expect(chain.before[0]).toBe(5);
  });

  test('of a refused caller is not put off until it passes: an empty bucket follows the new rate', () => {
    const { take } = createFixture();
    const hourly = { requests: 1, periodMs: 3_600_000, burst: 0 };
    take('a', hourly, 0);
    const fast = { requests: 10, periodMs: 1000, burst: 0 };
    expect(take('a', fast, second)).toBe(outcomes.exceeded);
    expect(take('a', fast, 1.1 * second)).toBe(outcomes.allowed);
  });

  test('there and back mints nothing', () => {
    const { take, chain } = createFixture();
    take('a', small, 0, 7);
    let before = 3;
    for (let i = 0; i < 50; i++) {
      take('a', { requests: 7 + i, periodMs: 3000 + i, burst: i }, 0, 0);
      take('a', small, 0, 0);
      expect(chain.before[0]).toBeLessThanOrEqual(before);
      before = chain.before[0]!;
    }
    expect(before).toBeGreaterThan(2.9);
  });

  test('is seen through by two threads that name the old and the new rule in turn', () => {
    const { take, chain } = createFixture();
    const next = { requests: 20, periodMs: 10_000, burst: 0 };
    for (let i = 0; i < 5; i++) {
      take('a', small, 0);
      take('a', next, 0, 2);
    }
    expect(take('a', small, 0)).toBe(outcomes.exceeded);
    expect(chain.before[0]).toBeCloseTo(0, 6);
  });
});
