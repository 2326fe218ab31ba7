import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rollupUnits } from '../ledger/rollup-rows.ts';
import { type Span, spansOf } from './spans.ts';

const minute = rollupUnits.minute;
const moment = fc.nat(5_000_000_000).map((after) => Date.UTC(2024, 1, 1) + after);
const units = fc.constantFrom<Span['unit']>('minute', 'hour', 'day');

describe('spans', () => {
  it('cover each minute that begins in the time once, in whole units', () => {
    fc.assert(
      fc.property(moment, moment, units, (from, to, unit) => {
        const spans = spansOf(from, to, unit);
        for (const span of spans) {
          expect(span.from % rollupUnits[span.unit]).toBe(0);
          expect(span.to % rollupUnits[span.unit]).toBe(0);
          expect(span.to).toBeGreaterThan(span.from);
          expect(rollupUnits[span.unit]).toBeLessThanOrEqual(rollupUnits[unit]);
        }
        for (const [at, span] of spans.slice(1).entries()) expect(span.from).toBe(spans[at]!.to);
        const [first, last] = [Math.ceil(from / minute) * minute, Math.ceil(to / minute) * minute];
        expect([spans[0]?.from, spans.at(-1)?.to]).toEqual(
          first < last ? [first, last] : [undefined, undefined],
        );
      }),
    );
  });

  it('read few rows: minutes and hours at the ends only', () => {
    const spans = spansOf(Date.UTC(2024, 1, 28, 22, 58), Date.UTC(2024, 2, 1, 1, 2), 'day');
    expect(spans.map(({ unit, from, to }) => [unit, (to - from) / rollupUnits[unit]])).toEqual([
      ...[
        ['minute', 2],
        ['hour', 1],
        ['day', 1],
        ['hour', 1],
        ['minute', 2],
      ],
    ]);
  });

  it('without bounds are one', () => {
    const all = [{ unit: 'day', from: -Infinity, to: Infinity }];
    expect(spansOf(-Infinity, Infinity, 'day')).toEqual(all);
    expect(spansOf(-Infinity, Date.UTC(2024, 1, 29), 'day')).toHaveLength(1);
  });
});
