import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextCheckIn } from './pace.ts';

const middle = 0.5;

test.each([
  ['all is well', { state: 'up', strained: 0, cheap: false }, 2000],
  ['a first bad check is looked into', { state: 'up', strained: 1, cheap: false }, 500],
  ['down', { state: 'down', strained: 2, cheap: false }, 2000],
  ['down for a while', { state: 'down', strained: 4, cheap: false }, 8000],
  ['down for long', { state: 'down', strained: 40, cheap: false }, 15_000],
  ['down for long, refusing connections', { state: 'down', strained: 40, cheap: true }, 1500],
  ['down, refusing connections, however that was found', { state: 'down', strained: 0, cheap: true }, 1500],
  ['up and asking us to slow down', { state: 'up', strained: 4, cheap: false }, 8000],
] as const)('%s', (_, paced, waitMs) => {
  expect(nextCheckIn(2000, paced, middle)).toBe(waitMs);
});

test('a node that refuses connections is back within the interval; none waits for more than ten intervals', () => {
  const paced = fc.record({
    state: fc.constantFrom('unknown' as const, 'up' as const, 'down' as const),
    strained: fc.nat(1000),
    cheap: fc.boolean(),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 60_000 }), paced, random, (intervalMs, how, chance) => {
      const waitMs = nextCheckIn(intervalMs, how, chance);
      expect(waitMs).toBeGreaterThan(0);
      expect(waitMs).toBeLessThanOrEqual(1.1001 * Math.min(10 * intervalMs, Math.max(15_000, intervalMs)));
      if (how.state === 'down' && how.cheap) expect(waitMs).toBeLessThanOrEqual(intervalMs);
    }),
  );
});
