import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { row } from '../testing/usage-samples.ts';
import { nameInTables, rollupRows, rollupUnits, statusName } from './rollup-rows.ts';

describe('rows of a rollup', () => {
  const usage = fc.record({
    minute: fc.nat(3000).map((minute) => minute * 60_000),
    keyId: fc.constantFrom('a', 'b'),
    // Those that are the same once cut or repaired must not be two rows.
    method: fc.constantFrom('m', 'x'.repeat(51), 'x'.repeat(52), '\ud800', '\udfff', '\0', '\ufffd'),
    status: fc.nat(2),
    event: fc.boolean(),
    calls: fc.nat(9),
    latency: fc.array(fc.nat(9), { maxLength: 24 }).map((counts) => Uint32Array.from(counts)),
  });

  it('lose nothing, are each there once, in order, and leave what they were made of alone', () => {
    fc.assert(
      fc.property(fc.array(usage), (values) => {
        const rows = values.map(row);
        const before = JSON.stringify(rows);
        const rollups = rollupRows(rows);
        expect(JSON.stringify(rows)).toBe(before);
        for (const unit of ['minute', 'hour', 'day'] as const) {
          const made = rollups[unit];
          const names = made.map(({ at, name }) => `${String(at).padStart(12, '0')} ${name}`);
          expect(names).toEqual([...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1)));
          for (const { at } of made) expect(at % rollupUnits[unit]).toBe(0);
          const calls = (all: readonly { calls: number }[]) => all.reduce((sum, { calls }) => sum + calls, 0);
          expect(calls(made)).toBe(calls(rows));
          const counted = (all: readonly { latency: ArrayLike<number> }[]) =>
            all.reduce((sum, { latency }) => Array.from(latency).reduce((a, b) => a + b, sum), 0);
          expect(counted(made)).toBe(counted(rows));
        }
      }),
    );
  });

  it('have names that a table takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (name) => {
        const taken = nameInTables(name);
        expect([...taken].length).toBeLessThanOrEqual(50);
        expect(taken).not.toContain('\0');
        expect(Buffer.from(taken).toString()).toBe(taken);
        expect(nameInTables(taken)).toBe(taken);
      }),
    );
  });

  it('have no status that there is not', () => {
    expect([0, 1, 2].map(statusName)).toEqual(['allowed', 'burst', 'exceeded']);
    expect(() => statusName(3)).toThrow(RangeError);
  });
});
