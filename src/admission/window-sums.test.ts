import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindowSums } from './window-sums.ts';

describe('sums in a sliding window', () => {
  it('hold all of the last seven eighths of the window, and nothing older than it', () => {
    const step = fc.record({ after: fc.nat(3000), address: fc.constantFrom('a', 'b'), weight: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(10_000), (steps, start) => {
        const sums = createWindowSums(4, 8000);
        const seen: { at: number; address: string; weight: number }[] = [];
        let now = 1_000_000 + start;
        for (const { after, address, weight } of steps) {
          now += after;
          seen.push({ at: now, address, weight });
          const sum = sums.add(address, weight, now);
          const within = (ms: number) =>
            seen
              .filter((one) => one.address === address && now - one.at < ms)
              .reduce((total, one) => total + one.weight, 0);
          expect(sum).toBeGreaterThanOrEqual(within(7000));
          expect(sum).toBeLessThanOrEqual(within(8000));
        }
      }),
    );
  });

  it('begin anew once forgotten', () => {
    const sums = createWindowSums(2, 1000);
    sums.add('a', 5, 0);
    sums.forget('a');
    sums.forget('never there');
    expect(sums.add('a', 1, 1)).toBe(1);
  });

  it('keep who violates much among a million who do so once', () => {
    const sums = createWindowSums(1024, 60_000);
    let most = 0;
    for (let i = 0; i < 1_000_000; i += 1) {
      sums.add(`198.51.${i & 255}.${i >> 8}`, 1, 1000);
      if (i % 1000 === 0) most = sums.add('the one', 10, 1000);
    }
    expect(most).toBe(10_000);
  });
});
