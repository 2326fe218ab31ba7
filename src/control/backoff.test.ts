import { expect, test } from 'vitest';
import { createBackoff } from './backoff.ts';

test('at once, then doubling up to the bound; a healthy life forgets', () => {
  const backoff = createBackoff({ healthyMs: 1000, firstDelayMs: 100, maxDelayMs: 500 });
  expect([0, 10, 20, 30, 40, 50].map((lived) => backoff.afterDeath(lived))).toEqual([
    0, 100, 200, 400, 500, 500,
  ]);
  expect(backoff.afterDeath(1000)).toBe(0);
  expect(backoff.afterDeath(5)).toBe(100);
});
