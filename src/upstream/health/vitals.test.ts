import { expect, test } from 'vitest';
import { createVitals } from './vitals.ts';

test('up by the first good check, down by the second bad one, up again by one good one', () => {
  const vitals = createVitals(0);
  expect(vitals.state).toBe('unknown');
  expect(vitals.good(10)).toEqual({ to: 'up', downMs: null });
  expect(vitals.good(20)).toBeNull();
  expect(vitals.bad('unreachable', 30)).toBeNull();
  expect(vitals.good(40)).toBeNull();
  expect(vitals.bad('unreachable', 50)).toBeNull();
  expect(vitals.bad('wrongAnswer', 60)).toEqual({ to: 'down', reason: 'wrongAnswer', upMs: 50 });
  expect(vitals.bad('wrongAnswer', 70)).toBeNull();
  expect(vitals.bad('unreachable', 80)).toEqual({ to: 'down', reason: 'unreachable', upMs: null });
  expect(vitals.good(100)).toEqual({ to: 'up', downMs: 40 });
  expect(vitals.downs).toBe(1);
});

test('a wrong chain is believed at once', () => {
  const vitals = createVitals(0);
  expect(vitals.bad('wrongChain', 5)).toEqual({ to: 'down', reason: 'wrongChain', upMs: null });
});

test('one that flaps needs two good checks in a row', () => {
  const vitals = createVitals(0);
  const fall = (atMs: number) => {
    vitals.bad('unreachable', atMs);
    vitals.bad('unreachable', atMs);
  };
  vitals.good(0);
  fall(1_000);
  expect(vitals.good(2_000)).not.toBeNull();
  fall(50_000);
  expect(vitals.good(51_000)).toBeNull();
  vitals.bad('unreachable', 52_000);
  expect(vitals.good(53_000)).toBeNull();
  expect(vitals.good(54_000)).toEqual({ to: 'up', downMs: 4_000 });
  fall(120_000);
  expect(vitals.good(121_000)).not.toBeNull();
});
