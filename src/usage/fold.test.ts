import { expect, it } from 'vitest';
import { createFold } from './fold.ts';
import type { Place } from './fold-row.ts';
import type { UsageRecord } from './record.ts';
import { emptyRecord } from './turn.ts';

const record = (keyId: string, method: string, calls: number): UsageRecord => ({
  ...emptyRecord(),
  ...{ keyId, network: 'default', method, calls },
});
const begin = (from: number) => createFold('segment', from, () => 0);

it('leaves nothing of a batch in the places of its reader, which has one for each key there ever was', () => {
  const places: Place[] = [{ row: null }, { row: null }];
  const add = (fold: ReturnType<typeof begin>, at: number, counts: [string, number][]) =>
    fold.add({
      ...{ epochMs: 60_000, from: at, to: at + 10 },
      records: counts.map(([method, calls]) => record('key', method, calls)),
      places,
    });
  const first = begin(0);
  add(first, 0, [
    ['a', 1],
    ['b', 2],
  ]);
  // Two methods that share a place, by turns.
  add(first, 10, [
    ['c', 3],
    ['b', 4],
  ]);
  add(first, 20, [
    ['a', 5],
    ['b', 6],
  ]);
  const counts = first.batch(false).rows.map(({ method, calls }) => [method, calls]);
  expect(counts).toEqual([
    ['a', 6],
    ['b', 12],
    ['c', 3],
  ]);
  expect(places).toEqual([{ row: null }, { row: null }]);

  // One that was given up adds nothing to the next.
  add(begin(30), 30, [
    ['a', 7],
    ['b', 7],
  ]);
  const next = begin(30);
  add(next, 30, [
    ['a', 7],
    ['b', 8],
  ]);
  expect(next.batch(false).rows.map(({ calls }) => calls)).toEqual([7, 8]);
  expect(places).toEqual([{ row: null }, { row: null }]);
});
