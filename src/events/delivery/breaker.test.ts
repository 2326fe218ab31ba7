import { expect, it } from 'vitest';
import { createSinkBreaker } from './breaker.ts';

const create = () => createSinkBreaker({ failuresMax: 3, openMs: 100, openMaxMs: 350 }, () => 0.5);

/** Opens it at 0. */
function opened() {
  const breaker = create();
  const old = Array.from({ length: 5 }, () => breaker.began());
  for (const token of old.slice(0, 3)) breaker.failed(token, 0);
  return { breaker, old };
}

it('opens after so many failures in a row, and only in a row', () => {
  const breaker = create();
  const token = breaker.began();
  breaker.failed(token, 0);
  breaker.failed(token, 0);
  breaker.succeeded(token);
  breaker.failed(token, 0);
  breaker.failed(token, 0);
  expect(breaker.state).toBe('closed');
  breaker.failed(token, 0);
  expect(breaker.state).toBe('open');
  expect(breaker.waitMs(40)).toBe(60);
  expect(breaker.waitMs(100)).toBe(0);
});

it('makes one trial at a time, and stays open twice as long after each that failed, up to its bound', () => {
  const { breaker } = opened();
  let now = 100;
  for (const openMs of [200, 350, 350]) {
    const trial = breaker.began();
    expect(breaker.waitMs(now)).toBe(Number.POSITIVE_INFINITY);
    breaker.failed(trial, now);
    expect(breaker.waitMs(now)).toBe(openMs);
    now += openMs;
  }
  breaker.succeeded(breaker.began());
  expect(breaker.state).toBe('closed');
  expect(breaker.waitMs(now)).toBe(0);
});

it('takes no outcome of an attempt from before it opened for its trial’s', () => {
  const { breaker, old } = opened();
  const trial = breaker.began();
  breaker.failed(old[3]!, 150);
  expect(breaker.state).toBe('half-open');
  breaker.succeeded(old[4]!);
  expect(breaker.state).toBe('half-open');
  breaker.succeeded(trial);
  expect(breaker.state).toBe('closed');
  for (let i = 0; i < 9; i += 1) breaker.failed(old[0]!, 200);
  expect(breaker.state).toBe('closed');
});
