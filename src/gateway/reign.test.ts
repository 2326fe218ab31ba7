import { expect, it } from 'vitest';
import { createReign, standingOf } from './reign.ts';

const reign = () => createReign({} as never, {} as never, null);
const caller = (from: string, addressLo: number) => ({ from, addressLo });

it('keeps what was found of an address for all who call from it, under one policy', () => {
  const one = reign();
  const standing = standingOf(one, caller('203.0.113.9', 7));
  standingOf(one, caller('203.0.113.8', 8));
  expect(standingOf(one, caller(['203.0.113', '9'].join('.'), 7))).toBe(standing);
  expect(standingOf(reign(), caller('203.0.113.9', 7))).not.toBe(standing);
});

it('never takes one address for another, and keeps no more than so many', () => {
  const one = reign();
  const standing = standingOf(one, caller('203.0.113.9', 7));
  expect(standingOf(one, caller('203.0.113.8', 7 + 2 ** 20)), 'the same place').not.toBe(standing);
  expect(standingOf(one, caller('203.0.113.9', 7)), 'which was taken').not.toBe(standing);
  for (let i = 0; i < 50_000; i += 1) standingOf(one, caller(`10.0.${i >> 8}.${i & 255}`, 0xffffffff - i));
  expect(one.standings).toHaveLength(16_384);
});
