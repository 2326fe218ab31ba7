import { expect, test } from 'vitest';
import { createRequestIds } from './request-id.ts';

test('no two workers give the same id: not of other slots, not one after another in a slot', () => {
  const ids = [
    createRequestIds('boot', 0, 0),
    createRequestIds('boot', 0, 1),
    createRequestIds('boot', 1, 0),
    createRequestIds('boot', 1, 1),
    createRequestIds('later', 0, 0),
  ];
  const texts = ids.map((each) => each.text(each.next()));
  expect(new Set(texts).size).toBe(ids.length);
  for (const [k, text] of texts.entries())
    expect(ids.map((each) => each.count(text))).toEqual(ids.map((_, other) => (other === k ? 1 : undefined)));
});

test('only an id of its own form has a count', () => {
  const ids = createRequestIds('boot', 0, 0);
  for (const text of ['boot-0-', 'boot-0-01', 'boot-0-1e0', 'boot-0-x', 'boot-0.1-1', ''])
    expect(ids.count(text)).toBeUndefined();
});
