import { expect, test } from 'vitest';
import { trimHeap } from './trim-heap.ts';

test('what nobody holds any more is given back', () => {
  const resident = (): number => process.memoryUsage().rss / 2 ** 20;
  const before = resident();
  let lists: number[][] | null = Array.from({ length: 100 }, () => new Array<number>(100_000).fill(0.5));
  expect(lists.length).toBe(100);
  const full = resident();
  expect(full - before).toBeGreaterThan(60);
  lists = null;
  trimHeap();
  expect(full - resident()).toBeGreaterThan(50);
});
