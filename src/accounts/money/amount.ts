import { currencyDigits } from './currency.ts';

/** An amount in smallest units as people write it: 123456n USD → `1234.56`, 1234n JPY → `1234`. */
export function formatAmount(amount: bigint, currency: string): string {
  const digits = currencyDigits(currency);
  const sign = amount < 0n ? '-' : '';
  const text = String(amount < 0n ? -amount : amount).padStart(digits + 1, '0');
  if (digits === 0) return sign + text;
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The same with its currency and thousands apart: `1,234.56 USD`. */
export function formatMoney(amount: bigint, currency: string): string {
  return `${groupThousands(formatAmount(amount, currency))} ${currency}`;
}

/** `1234567.89` → `1,234,567.89`. */
export function groupThousands(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/**
 * `49`, `49.5` or `49.00` in smallest units of the currency; undefined if it is no amount, is negative, has more decimals
 * than the currency or more than 15 digits before them.
 */
export function parseAmount(text: string, currency: string): bigint | undefined {
  const digits = currencyDigits(currency);
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(text);
  const [, whole = '', fraction = ''] = match ?? [];
  if (!match || fraction.length > digits) return undefined;
  return BigInt(whole + fraction.padEnd(digits, '0'));
}
