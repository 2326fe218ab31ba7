import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DeliveryOutcome } from '../outbox.ts';
import { createSettler } from './settler.ts';

const outcome = (number: number, problem: string | null = null): DeliveryOutcome => ({
  ...{ number, sink: 'one', state: 'delivered', attempts: 1, dueAtMs: 0, problem },
});

let failure: { message: string; code: string } | null;
let noted: number[];
let settled: number[];
let lines: string[];
const start = () =>
  createSettler({
    outbox: {
      async settle(batch) {
        if (failure !== null) throw Object.assign(new Error(failure.message), failure);
        if (batch.some(({ problem }) => problem === 'poison'))
          throw Object.assign(new Error('invalid byte sequence'), { code: 'invalid' });
        noted.push(...batch.map(({ number }) => number));
      },
    },
    by: 'me',
    epochMs: () => 0,
    log: { error: (_: object, line: string) => void lines.push(line) },
    onSettled: (outcomes) => void settled.push(...outcomes.map(({ number }) => number)),
  });

beforeEach(() => {
  vi.useFakeTimers();
  [failure, noted, settled, lines] = [null, [], [], []];
});
afterEach(() => vi.useRealTimers());

it('keeps what it cannot note while the store is away, in order', async () => {
  const settler = start();
  failure = { message: 'away', code: 'unavailable' };
  settler.add(outcome(1));
  settler.add(outcome(2));
  await vi.advanceTimersByTimeAsync(5000);
  expect([settler.size, noted]).toEqual([2, []]);
  failure = null;
  await vi.advanceTimersByTimeAsync(600);
  expect([noted, settled, settler.size]).toEqual([[1, 2], [1, 2], 0]);
});

it('notes all but the one that the store refuses, and says which', async () => {
  const settler = start();
  for (let number = 1; number <= 700; number += 1)
    settler.add(outcome(number, number === 333 ? 'poison' : null));
  await vi.advanceTimersByTimeAsync(50);
  expect(settler.size).toBe(0);
  expect(noted).toEqual(Array.from({ length: 700 }, (_, at) => at + 1).filter((one) => one !== 333));
  // What was refused stays claimed, and is not sent again.
  expect(settled).toEqual(noted);
  expect(lines).toEqual(['what became of a delivery to sink one could not be kept: invalid byte sequence']);
});

it('is quiet once it is stopped', async () => {
  const settler = start();
  failure = { message: 'away', code: 'unavailable' };
  settler.add(outcome(1));
  await settler.flush();
  settler.stop();
  failure = null;
  await vi.advanceTimersByTimeAsync(5000);
  expect(noted).toEqual([]);
});
