import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize, unitHint } from './quantity.ts';

describe('quantities', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.1s', 1100],
    ['1m', 60_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
    ['10 s', 10_000],
    ['0', 0],
  ])('reads the duration %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '5x', '5S', '-1s', '1e3s', '1.0001ms', 's', '5 5s', '1m30s', '9999999999999999s'])(
    'refuses the duration %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['10kB', 10_000],
    ['1.5MB', 1_500_000],
    ['1GiB', 2 ** 30],
  ])('reads the size %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it('writes what it reads', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        (n) => parseDuration(formatDuration(n)) === n && parseSize(formatSize(n)) === n,
      ),
    );
  });

  it('says what unit was probably meant', () => {
    expect(unitHint('5', 'duration')).toBe('add a unit, such as 5s');
    expect(unitHint('5min', 'duration')).toBe('did you mean 5m?');
    expect(unitHint('1KB', 'size')).toBe('did you mean 1kB or 1KiB?');
    expect(unitHint('1parsec', 'duration')).toBe('units are ms, s, m, h, d');
    expect(unitHint('10s', 'duration')).toBeUndefined();
  });
});
