import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchMethod, patternMatches } from './method-pattern.ts';

const best = (method: string, patterns: string[]): string | undefined =>
  matchMethod(method, patterns, (one) => one);

describe('matchMethod', () => {
  it('takes the pattern with the most literal characters, then the first', () => {
    expect(best('eth_getLogs', ['*', 'eth_*', 'eth_get*', 'eth_getLogs'])).toBe('eth_getLogs');
    expect(best('eth_getBalance', ['eth_*', '*Balance', 'eth_get*'])).toBe('*Balance');
    expect(best('eth_call', ['e*call', 'eth*l'])).toBe('e*call');
    expect(best('ab', ['a*', '*b'])).toBe('a*');
    expect(best('net_version', ['eth_*'])).toBeUndefined();
  });

  it('fits as a regular expression would', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    fc.assert(
      fc.property(part, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, method) => {
        expect(patternMatches(pattern, method)).toBe(
          new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(method),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('is not slowed by a hostile name', () => {
    const before = performance.now();
    patternMatches('*a*a*a*a*a*a*a*a*b', 'a'.repeat(10_000));
    expect(performance.now() - before).toBeLessThan(100);
  });
});
