import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAmount, formatMoney, parseAmount } from './amount.ts';
import { currencyDigits, isCurrency } from './currency.ts';

describe('amounts are written with the digits of their currency', () => {
  test.each([
    [123_456n, 'USD', '1234.56', '1,234.56 USD'],
    [5n, 'EUR', '0.05', '0.05 EUR'],
    [0n, 'EUR', '0.00', '0.00 EUR'],
    [1_234_567n, 'JPY', '1234567', '1,234,567 JPY'],
    [1n, 'KWD', '0.001', '0.001 KWD'],
    [-150n, 'USD', '-1.50', '-1.50 USD'],
    [10n ** 20n, 'USD', '1000000000000000000.00', '1,000,000,000,000,000,000.00 USD'],
  ])('%s %s', (amount, currency, plain, money) => {
    expect(formatAmount(amount, currency)).toBe(plain);
    expect(formatMoney(amount, currency)).toBe(money);
  });
});

test.each([
  ['49', 'USD', 4900n],
  ['49.5', 'USD', 4950n],
  ['49.05', 'USD', 4905n],
  ['0', 'USD', 0n],
  ['1.001', 'KWD', 1001n],
  ['500', 'JPY', 500n],
  ['500.0', 'JPY', undefined],
  ['0.001', 'USD', undefined],
  ['-1', 'USD', undefined],
  ['1e3', 'USD', undefined],
  ['1,000', 'USD', undefined],
  ['.5', 'USD', undefined],
  ['', 'USD', undefined],
  ['1234567890123456', 'USD', undefined],
])('%j %s is %s', (text, currency, amount) => {
  expect(parseAmount(text, currency)).toBe(amount);
});

test('what is written is read back', () => {
  const currency = fc.constantFrom('USD', 'JPY', 'KWD', 'CLF');
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), currency, (amount, code) => {
      expect(parseAmount(formatAmount(amount, code), code)).toBe(amount);
    }),
  );
});

test('currencies are those of ISO 4217', () => {
  expect(['USD', 'EUR', 'JPY'].every(isCurrency)).toBe(true);
  expect(['usd', 'US', 'ABC', 'BITCOIN'].some(isCurrency)).toBe(false);
  expect(currencyDigits('ISK')).toBe(0);
});
