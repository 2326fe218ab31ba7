import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, lastKey } from './key.ts';
import { createMemoryStore } from './memory-store.ts';
import { KeptAnswer, keptSize } from './kept-answer.ts';

function hashOf(key: string): number {
  keyOf('', Buffer.from(key), 0, key.length);
  return lastKey.hash;
}

const forever = Number.POSITIVE_INFINITY;

function answer(
  key: string,
  { length = 100, height = 5, withHead = false, until = forever } = {},
): KeptAnswer {
  const bytes = Buffer.from(`..{"id":7,"result":"${'x'.repeat(length)}"}..`);
  return new KeptAnswer(key, hashOf(key), bytes, 2, bytes.length - 2, 8, 9, { until, height, withHead });
}

test('an answer is text around the id, or bytes where it is large', () => {
  const small = answer('k');
  expect(`${small.before}"me"${small.after}`).toBe(`{"id":"me","result":"${'x'.repeat(100)}"}`);
  const large = answer('k', { length: 40_000 });
  expect(large.bytes?.toString('latin1', large.idStart, large.idEnd)).toBe('7');
  expect(large.bytes?.toString('latin1', 0, large.idEnd)).toBe('{"id":7');
});

test('an entry above its bound, or above all, is not kept', () => {
  const size = answer('k').size;
  const store = createMemoryStore({ maxBytes: 10 * size, maxEntryBytes: size });
  store.keep(answer('k'));
  store.keep(answer('kk'));
  expect([store.find('k', hashOf('k'), 0), store.find('kk', hashOf('kk'), 0)]).toEqual([
    expect.anything(),
    undefined,
  ]);
  store.setBounds({ maxBytes: size - 1, maxEntryBytes: 1e6 });
  expect(store.stats()).toMatchObject({ bytes: 0, entries: 0, evictions: 1 });
  store.keep(answer('k'));
  expect(store.stats().entries).toBe(0);
});

test('what is kept with the head leaves half of the room to what lasts', () => {
  const { size } = answer('l00');
  const store = createMemoryStore({ maxBytes: 20 * size, maxEntryBytes: size });
  for (let index = 0; index < 10; index++) store.keep(answer(`l0${index}`));
  for (let index = 0; index < 100; index++) store.keep(answer(`h${index}`.padEnd(3), { withHead: true }));
  for (let index = 0; index < 10; index++)
    expect(store.find(`l0${index}`, hashOf(`l0${index}`), 0)).toBeDefined();
  store.moved();
  expect(store.stats()).toMatchObject({ bytes: 10 * size, entries: 10 });
});

test('whatever is done: never above its bounds, and only what a model has', () => {
  const keys = fc.constantFrom(...'abcdefghij');
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        keep: keys,
        length: fc.integer({ min: 0, max: 5000 }),
        height: fc.constantFrom(-1, 1, 2, 3, forever),
        withHead: fc.boolean(),
        until: fc.constantFrom(forever, 1, 50, 100),
      }),
    },
    { weight: 3, arbitrary: fc.record({ find: keys, at: fc.integer({ min: 0, max: 99 }) }) },
    { weight: 1, arbitrary: fc.constant('moved' as const) },
    { weight: 1, arbitrary: fc.record({ reorged: fc.integer({ min: 0, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ maxBytes: fc.integer({ min: 0, max: 8000 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let maxBytes = 6000;
      const store = createMemoryStore({ maxBytes, maxEntryBytes: 5000 });
      const model = new Map<string, KeptAnswer>();
      for (const each of steps) {
        if (each === 'moved') {
          store.moved();
          for (const [key, { withHead }] of model) if (withHead) model.delete(key);
        } else if ('keep' in each) {
          const kept = answer(each.keep, each);
          expect(kept.size).toBe(keptSize(each.keep, 0, each.length + '{"id":7,"result":""}'.length));
          store.keep(kept);
          if (kept.size <= Math.min(maxBytes, 5000)) model.set(each.keep, kept);
        } else if ('find' in each) {
          const found = store.find(each.find, hashOf(each.find), each.at);
          if (found !== undefined) {
            expect(found).toBe(model.get(each.find));
            expect(found.until).toBeGreaterThan(each.at);
          }
        } else if ('reorged' in each) {
          store.reorged(each.reorged);
          for (const [key, { withHead, height }] of model)
            if (withHead || height >= each.reorged) model.delete(key);
        } else {
          maxBytes = each.maxBytes;
          store.setBounds({ maxBytes, maxEntryBytes: 5000 });
        }
        const { bytes, entries } = store.stats();
        expect(bytes).toBeLessThanOrEqual(maxBytes);
        expect(entries).toBeLessThanOrEqual(model.size);
      }
    }),
  );
});

test('a full store takes an answer only if it was asked for before, not long ago', () => {
  const { size } = answer('k00');
  const store = createMemoryStore({ maxBytes: 10 * size, maxEntryBytes: size });
  const offer = (key: string): boolean => {
    const welcome = store.welcomes(hashOf(key), size);
    if (welcome) store.keep(answer(key));
    return welcome;
  };
  for (let index = 0; index < 10; index++) expect(offer(`k0${index}`)).toBe(true);
  // Calls that never come again leave what is there alone.
  const passing = Array.from({ length: 1000 }, (_, index) => offer(`p${index}`.padEnd(3)));
  expect(passing).not.toContain(true);
  for (let index = 0; index < 10; index++)
    expect(store.find(`k0${index}`, hashOf(`k0${index}`), 0)).toBeDefined();
  expect([offer('new'), offer('new')]).toEqual([false, true]);
  expect(store.find('new', hashOf('new'), 0)).toBeDefined();
  expect(store.stats()).toMatchObject({ entries: 10, evictions: 1 });
});
