import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ChainStep } from './chain.ts';
import type { HubClock } from './clock.ts';
import type { Head } from './head.ts';
import { createPacedSteps } from './paced-steps.ts';

const headOf = (number: number): Head => ({ number, hash: `${number}`, parentHash: '', bloom: '', text: '' });

/** A clock whose turns are made by hand. */
function turns(): { clock: HubClock; next(): boolean } {
  const due = new Set<() => void>();
  return {
    clock: {
      now: () => 0,
      random: () => 0,
      after(_ms, run) {
        due.add(run);
        return () => void due.delete(run);
      },
    },
    next() {
      const [run] = due;
      if (run === undefined) return false;
      due.delete(run);
      run();
      return true;
    },
  };
}

const step = fc.record({ removed: fc.nat(5), added: fc.integer({ min: 1, max: 40 }), turnsAfter: fc.nat(3) });

it('tells each block once and in order, few a turn, those removed before those added', () => {
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 15 }), (steps, atMost) => {
      const told: string[] = [];
      const { clock, next } = turns();
      let last = 0;
      const tell = ({ removed, added }: ChainStep): void => {
        expect(added.length).toBeLessThanOrEqual(atMost);
        told.push(...removed.map(({ hash }) => `-${hash}`), ...added.map(({ hash }) => `+${hash}`));
      };
      const paced = createPacedSteps(tell, atMost, clock);
      const due: string[] = [];
      const some = (count: number): Head[] => Array.from({ length: count }, () => headOf(++last));
      for (const { removed, added, turnsAfter } of steps) {
        const one = { removed: some(removed), added: some(added) };
        due.push(...one.removed.map(({ hash }) => `-${hash}`), ...one.added.map(({ hash }) => `+${hash}`));
        paced.add(one);
        for (let k = 0; k < turnsAfter; k++) next();
      }
      while (next());
      expect(told).toEqual(due);
    }),
  );
});

it('tells a short step at once, and nothing once cleared', () => {
  const told: number[] = [];
  const { clock, next } = turns();
  const paced = createPacedSteps(({ added }) => void told.push(added.length), 2, clock);
  paced.add({ removed: [], added: [headOf(1)] });
  expect(told).toEqual([1]);
  paced.add({ removed: [], added: [1, 2, 3, 4, 5].map(headOf) });
  next();
  paced.clear();
  expect(next()).toBe(false);
  expect(told).toEqual([1, 2, 2]);
});
