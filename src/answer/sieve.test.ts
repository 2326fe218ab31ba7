import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sieve } from './sieve.ts';

const hashOf = (key: string): number => key.charCodeAt(0);
const entry = (key: string, size = 1) => ({ key, hash: hashOf(key), size, used: false });

test('what was used stays once more, the oldest of the rest goes first', () => {
  const sieve = new Sieve();
  for (const key of 'abcd') sieve.add(entry(key));
  for (const key of 'ac') sieve.find(hashOf(key))!.used = true;
  sieve.evict();
  sieve.evict();
  const left = [...'abcd'].filter((key) => sieve.find(hashOf(key)) !== undefined);
  expect(left).toEqual(['a', 'c']);
  sieve.evict();
  expect(sieve.find(hashOf('a'))).toBeUndefined();
  expect(sieve.find(hashOf('c'))).toBeDefined();
});

test('gives up everything, one at a time, also where all of it was used', () => {
  const sieve = new Sieve();
  for (const key of 'abc') sieve.add({ ...entry(key), used: true });
  expect([sieve.evict(), sieve.evict(), sieve.evict(), sieve.evict()]).toEqual([true, true, true, false]);
  expect([sieve.bytes, sieve.count]).toEqual([0, 0]);
});

test('its bytes are those of what it holds, whatever is done', () => {
  const keys = fc.constantFrom(...'abcdefgh');
  const step = fc.oneof(
    fc.record({ add: keys, size: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ remove: keys }),
    fc.record({ use: keys }),
    fc.constant('evict' as const),
    fc.record({ drop: fc.integer({ min: 1, max: 9 }) }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const sieve = new Sieve();
      const model = new Map<string, number>();
      for (const each of steps) {
        if (each === 'evict') {
          expect(sieve.evict()).toBe(model.size > 0);
          for (const key of model.keys()) if (sieve.find(hashOf(key)) === undefined) model.delete(key);
        } else if ('add' in each) {
          sieve.remove(hashOf(each.add));
          sieve.add(entry(each.add, each.size));
          model.set(each.add, each.size);
        } else if ('remove' in each) {
          sieve.remove(hashOf(each.remove));
          model.delete(each.remove);
        } else if ('use' in each) {
          const found = sieve.find(hashOf(each.use));
          if (found !== undefined) found.used = true;
        } else {
          sieve.dropWhere(({ size }) => size >= each.drop);
          for (const [key, size] of model) if (size >= each.drop) model.delete(key);
        }
        expect(sieve.count).toBe(model.size);
        expect(sieve.bytes).toBe([...model.values()].reduce((sum, size) => sum + size, 0));
      }
    }),
  );
});
