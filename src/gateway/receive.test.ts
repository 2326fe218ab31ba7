import { expect, it } from 'vitest';
import { createReign, standingOf } from './receive.ts';

const reign = () => createReign({} as never, {} as never, null);

it('keeps what was found of an address for all who call from it, under one policy', () => {
  const one = reign();
  const standing = standingOf(one, '203.0.113.9');
  expect(standingOf(one, ['203.0.113', '9'].join('.'))).toBe(standing);
  expect(standingOf(one, '203.0.113.8')).not.toBe(standing);
  expect(standingOf(reign(), '203.0.113.9')).not.toBe(standing);
});

it('keeps no more than so many, whoever makes addresses up', () => {
  const one = reign();
  for (let i = 0; i < 50_000; i += 1) {
    standingOf(one, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    if (one.standings.size > 16_384) throw new Error(`${one.standings.size} are kept`);
  }
  expect(one.standings.size).toBeGreaterThan(0);
});
