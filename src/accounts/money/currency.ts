/** Minor units that ISO 4217 gives as other than two digits (amendment 176). */
const otherDigits: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
  ...'CLF UYW'.split(' ').map((code) => [code, 4] as const),
]);

const known: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Is it an ISO 4217 code that this Node knows, in capitals? */
export function isCurrency(code: string): boolean {
  return known.has(code);
}

/** How many digits follow the decimal point: 2 for USD, 0 for JPY, 3 for KWD. */
export function currencyDigits(code: string): number {
  return otherDigits.get(code) ?? 2;
}
