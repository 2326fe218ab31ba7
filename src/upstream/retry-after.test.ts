import fc from 'fast-check';
import { expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.UTC(2026, 10, 22, 10, 0, 0);

it.each([
  ['0', 0],
  ['120', 120_000],
  ['3600', 3_600_000],
  ['86400', 3_600_000],
  ['9'.repeat(64), 3_600_000],
  // The three forms of RFC 9110, 5.6.7.
  ['Sun, 22 Nov 2026 10:01:00 GMT', 60_000],
  ['Sunday, 22-Nov-26 10:01:00 GMT', 60_000],
  ['Sun Nov 22 10:01:00 2026', 60_000],
  ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
  ['Fri, 22 Nov 2126 09:00:00 GMT', 3_600_000],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['soon', undefined],
  ['2026-11-22T10:01:00Z', undefined],
  ['Sun, 99 Nov 2026 10:01:00 GMT', undefined],
])('%j', (text, expected) => {
  expect(retryAfterMs(text, now)).toBe(expected);
});

it('reads every date that HTTP writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_600 }), (seconds) => {
      expect(retryAfterMs(new Date(now + seconds * 1000).toUTCString(), now)).toBe(seconds * 1000);
      expect(retryAfterMs(String(seconds), now)).toBe(seconds * 1000);
    }),
  );
});

it('is nothing, or 0 to an hour, for any text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Za-z,: -]*$/)), (text) => {
      const ms = retryAfterMs(text, now);
      expect(ms === undefined || (ms >= 0 && ms <= 3_600_000)).toBe(true);
    }),
  );
});
