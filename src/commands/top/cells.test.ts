import { expect, test } from 'vitest';
import { age, bytes, fit, millis, rate, sparkline } from './cells.ts';

test.each([
  ['eth_call', 10, 'eth_call  '],
  ['eth_getBalance', 8, 'eth_get…'],
  ['日本語の鍵', 6, '日本… '],
  ['日本', 5, '日本 '],
  ['e\u0301a', 3, 'e\u0301a '],
  ['a\u001b[31mb', 14, 'a\\u{1b}[31mb  '],
  ['anything', 0, ''],
])('%j in %i columns', (text, width, fitted) => {
  expect(fit(text, width)).toBe(fitted);
});

test('numbers in few columns', () => {
  const rates = [0, 0.01, 0.44, 12.34, 99.96, 1234.4, 9999.6, 45_600, 999_960, 1.24e9].map(rate);
  expect(rates).toEqual(['0', '<0.1', '0.4', '12.3', '100', '1,234', '10,000', '45.6k', '1.0M', '1.2G']);
  expect([0, 1023, 1023.9, 1536, 1e6, 2 ** 41].map(bytes)).toEqual([
    ...['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '977 KiB', '2.0 TiB'],
  ]);
  expect([null, 0, 0.123, 0.999, 3.44, 9.96, 1234].map(millis)).toEqual([
    ...['-', '0.00', '0.12', '1.0', '3.4', '10', '1,234'],
  ]);
  expect([9.9, 423, 7500, 273_600].map(age)).toEqual(['9s', '7m 3s', '2h 5m', '3d 4h']);
});

test('a sparkline is as wide as asked for, the latest at its right end', () => {
  expect(sparkline([1, 2, 3, 4, 8, 0, 7], 5)).toBe('▄▅█ █');
  expect(sparkline([1, 8], 4)).toBe('  ▂█');
  expect(sparkline([], 3)).toBe('   ');
  expect(sparkline([0, 0], 2)).toBe('  ');
});
