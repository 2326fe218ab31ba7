import { expect, it } from 'vitest';
import {
  clearConnections,
  createConnectionCounts,
  createConnectionMemory,
  type PlaceHash,
  placeOf,
} from './connection-counts.ts';

/** The first byte is the one counter, the second the other. */
const hash: PlaceHash = (bytes, _from, _to, out) => out.set([bytes[0]!, bytes[1]!]);
const place = (one: number, other: number): ReturnType<typeof placeOf> =>
  placeOf(Uint8Array.of(one, other), hash);

it('counts over all workers, and forgets one that is gone', () => {
  const memory = createConnectionMemory(3);
  const [first, second, third] = [0, 1, 2].map((slot) => createConnectionCounts(memory, slot));
  first!.enter(place(1, 2));
  second!.enter(place(1, 2));
  second!.enter(undefined);
  expect(third!.total()).toBe(3);
  expect(third!.of(place(1, 2))).toBe(2);
  clearConnections(memory, 1);
  expect(third!.total()).toBe(1);
  expect(third!.of(place(1, 2))).toBe(1);
  first!.leave(place(1, 2));
  expect(third!.total()).toBe(0);
  expect(third!.of(place(1, 2))).toBe(0);
});

it('is misled only where both counters are shared', () => {
  const counts = createConnectionCounts(createConnectionMemory(1), 0);
  for (let k = 0; k < 5; k++) counts.enter(place(1, 2));
  expect(counts.of(place(1, 3))).toBe(0);
  expect(counts.of(place(2, 2))).toBe(5);
  counts.enter(place(7, 7));
  expect(counts.of(place(7, 7))).toBe(1);
});
