import { expect, test } from 'vitest';
import { createPace } from './pace.ts';

test('jobs run in order, a share of them in each turn', () => {
  let now = 0;
  const turns: (() => void)[] = [];
  const pace = createPace(
    () => now,
    (run) => turns.push(run),
  );
  const did: string[] = [];
  const job = (name: string, steps: number): void => {
    let left = steps;
    pace.add(() => {
      did.push(name);
      now += 4;
      return --left === 0;
    });
  };
  job('a', 5);
  expect(did.join('')).toBe('aaa');
  job('b', 1);
  expect(did.join('')).toBe('aaa');
  turns.shift()!();
  expect(did.join('')).toBe('aaaaab');
  expect(turns).toEqual([]);
  // Whoever comes when all is done is served at once.
  job('c', 1);
  expect(did.join('')).toBe('aaaaabc');
});

test('a job may add another', () => {
  const pace = createPace(() => 0);
  const did: number[] = [];
  pace.add(() => {
    pace.add(() => did.push(2) > 0);
    return did.push(1) > 0;
  });
  expect(did).toEqual([1, 2]);
});
