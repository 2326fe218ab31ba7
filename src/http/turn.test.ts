import { expect, it } from 'vitest';
import { createTurn } from './turn.ts';

it('commits once before the answers of a turn leave; what they defer belongs to the next', () => {
  const log: string[] = [];
  let run: (() => void) | undefined;
  const turn = createTurn(
    () => log.push('commit'),
    (end) => (run = end),
  );
  turn.defer({ flush: () => log.push('a') });
  turn.defer({
    flush() {
      log.push('b');
      turn.defer({ flush: () => log.push('c') });
    },
  });
  expect(log).toEqual([]);
  run!();
  expect(log).toEqual(['commit', 'a', 'b']);
  run!();
  expect(log).toEqual(['commit', 'a', 'b', 'commit', 'c']);
});

it('settles what waits in the middle of a turn, committed first, and never while it flushes', () => {
  const log: string[] = [];
  const runs: (() => void)[] = [];
  const turn = createTurn(
    () => log.push('commit'),
    (end) => runs.push(end),
  );
  turn.settle();
  expect(log).toEqual([]);
  turn.defer({ flush: () => log.push('a') });
  turn.defer({
    flush() {
      turn.defer({ flush: () => log.push('c') });
      turn.settle();
      log.push('b');
    },
  });
  turn.settle();
  expect(log).toEqual(['commit', 'a', 'b']);
  for (const run of runs) run();
  expect(log).toEqual(['commit', 'a', 'b', 'commit', 'c', 'commit']);
});
