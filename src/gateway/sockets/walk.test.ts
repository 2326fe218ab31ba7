import { expect, it } from 'vitest';
import { createWalk } from './walk.ts';

function start(size: number) {
  const items = new Map(Array.from({ length: size }, (_, i) => [i, i]));
  const visited: number[] = [];
  const turns: (() => void)[] = [];
  const walk = createWalk(
    () => items.values(),
    (item) => {
      visited.push(item);
      if (item % 3 === 0) items.delete(item);
    },
    (run) => turns.push(run),
  );
  const turn = (): void => turns.shift()?.();
  return { items, visited, turns, walk, turn };
}

it('visits few at once', () => {
  const { visited, turns, walk } = start(499);
  walk();
  expect([visited.length, turns.length]).toEqual([499, 0]);
});

it('visits many in pieces, each once, whatever comes and goes meanwhile', () => {
  const { items, visited, turns, walk, turn } = start(1700);
  walk();
  expect(visited.length).toBe(500);
  items.delete(1699);
  while (turns.length > 0) turn();
  expect(visited).toEqual(Array.from({ length: 1699 }, (_, i) => i));
});

it('begins anew where it is asked for on the way, once', () => {
  const { visited, turns, walk, turn } = start(900);
  walk();
  walk();
  walk();
  expect(visited.length).toBe(500);
  while (turns.length > 0) turn();
  expect(visited.length).toBe(900 + 600);
  expect(visited.at(-1)).toBe(899);
});
