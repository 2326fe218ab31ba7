import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakerPolicy } from '../../config/index.ts';
import { Breaker, createLocalBreaker, readBreaker, REFUSED } from './breaker.ts';
import { cellBytes, cellPlacesOf, clearWorkerCells, sharedBytes, sharedWordsOf } from './cells.ts';
import { FailureWindow } from './failure-window.ts';

const policy: BreakerPolicy = { windowMs: 8000, failures: 4, failureRate: 0.5, openMs: 1000, trials: 2 };
const TRIAL_MS = 500;

function breakers(workers: number): { of: Breaker[]; shared: SharedArrayBuffer; cells: SharedArrayBuffer } {
  const shared = new SharedArrayBuffer(sharedBytes(4));
  const cells = new SharedArrayBuffer(cellBytes(4, workers));
  const of = Array.from(
    { length: workers },
    (_, worker) => new Breaker(sharedWordsOf(shared, 2), cellPlacesOf(cells, 4, 2), worker, () => 0),
  );
  return { of, shared, cells };
}

describe('a window', () => {
  it('counts what is younger than seven eighths of it, and nothing older than it, over all workers', () => {
    const event = fc.record({
      worker: fc.nat(2),
      failed: fc.boolean(),
      afterMs: fc.nat({ max: 3000 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.nat({ max: 9000 }), (events, laterMs) => {
        const cells = new SharedArrayBuffer(cellBytes(4, 3));
        const windows = [0, 1, 2].map((worker) => new FailureWindow(cellPlacesOf(cells, 4, 1), worker));
        let nowMs = 100_000;
        const past: { failed: boolean; atMs: number }[] = [];
        for (const { worker, failed, afterMs } of events) {
          nowMs += afterMs;
          windows[worker]!.record(failed, nowMs, policy.windowMs);
          past.push({ failed, atMs: nowMs });
        }
        nowMs += laterMs;
        const seen = windows[0]!;
        seen.sum(nowMs, policy.windowMs, 0);
        const count = (failed: boolean, ageMs: number): number =>
          past.filter((each) => each.failed === failed && nowMs - each.atMs < ageMs).length;
        expect(seen.failed).toBeGreaterThanOrEqual(count(true, (policy.windowMs * 7) / 8));
        expect(seen.failed).toBeLessThanOrEqual(count(true, policy.windowMs));
        expect(seen.ok).toBeGreaterThanOrEqual(count(false, (policy.windowMs * 7) / 8));
        expect(seen.ok).toBeLessThanOrEqual(count(false, policy.windowMs));
      }),
      { numRuns: 300 },
    );
  });
});

it('a window knows how busy its busiest part was', () => {
  const { of } = breakers(2);
  for (let k = 0; k < 30; k++) of[k % 2]!.succeeded(0, 1000, policy);
  for (let k = 0; k < 10; k++) of[0]!.succeeded(0, 2000, policy);
  // Buckets of a second.
  expect(of[1]!.rate(3000, policy.windowMs)).toBe(30);
  expect(of[1]!.rate(9500, policy.windowMs)).toBe(10);
});

describe('a breaker', () => {
  it('opens where count and rate are both reached, over all workers together', () => {
    const { of, shared } = breakers(2);
    const state = (): string => readBreaker(sharedWordsOf(shared, 2)).state;
    for (let k = 0; k < 5; k++) of[0]!.succeeded(0, 1000, policy);
    for (let k = 0; k < 4; k++) of[k % 2]!.failed(0, 1000, policy);
    expect(state()).toBe('closed');
    of[1]!.failed(0, 1000, policy);
    expect(state()).toBe('open');
    expect(of[0]!.admit(1999, policy, TRIAL_MS)).toBe(REFUSED);
    expect(of[0]!.waitMs(1500, policy.trials)).toBe(500);
  });

  it('lets so many trials through, and closes with an empty window once all went well', () => {
    const { of, shared } = breakers(2);
    for (let k = 0; k < 4; k++) of[0]!.failed(0, 1000, policy);
    const trials = [of[0]!.admit(2000, policy, TRIAL_MS), of[1]!.admit(2001, policy, TRIAL_MS)];
    expect(trials.every((trial) => trial > 0)).toBe(true);
    expect(of[0]!.admit(2002, policy, TRIAL_MS)).toBe(REFUSED);
    of[0]!.succeeded(trials[0]!, 2010, policy);
    expect(of[0]!.closed).toBe(false);
    of[1]!.succeeded(trials[1]!, 2010, policy);
    expect(of[0]!.closed).toBe(true);
    for (let k = 0; k < 3; k++) of[0]!.failed(0, 4000, policy);
    expect(of[0]!.closed).toBe(true);
    expect(readBreaker(sharedWordsOf(shared, 2))).toMatchObject({ opened: 1, halfOpened: 1, closed: 1 });
  });

  it('opens again at the first trial that fails, longer each time, up to ten times as long', () => {
    const breaker = createLocalBreaker(() => 0);
    for (let k = 0; k < 4; k++) breaker.failed(0, 1000, policy);
    let nowMs = 1000;
    const open: number[] = [];
    for (let k = 0; k < 6; k++) {
      const waitMs = breaker.waitMs(nowMs, policy.trials);
      open.push(waitMs);
      nowMs += waitMs;
      breaker.failed(breaker.admit(nowMs, policy, TRIAL_MS), nowMs, policy);
    }
    expect(open).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('is not jammed by a worker that dies with a trial, nor by one whose outcome says nothing', () => {
    const { of, cells } = breakers(2);
    for (let k = 0; k < 4; k++) of[0]!.failed(0, 1000, policy);
    const one = of[0]!.admit(2000, policy, TRIAL_MS);
    of[0]!.admit(2000, policy, TRIAL_MS);
    clearWorkerCells(cells, 4, 0);
    expect(of[1]!.admit(2499, policy, TRIAL_MS)).toBe(REFUSED);
    const anew = of[1]!.admit(2500, policy, TRIAL_MS);
    expect(anew).toBeGreaterThan(0);
    // What comes late of the trials that were given up changes nothing.
    of[0]!.failed(one, 2501, policy);
    expect(of[1]!.waitMs(2501, policy.trials)).toBe(0);
    of[1]!.withdrawn(anew);
    const again = [of[1]!.admit(2502, policy, TRIAL_MS), of[1]!.admit(2502, policy, TRIAL_MS)];
    for (const trial of again) of[1]!.succeeded(trial, 2600, policy);
    expect(of[1]!.closed).toBe(true);
  });

  it('never has more trials under way than allowed, and always lets calls through again in the end', () => {
    const step = fc.constantFrom('fail', 'ok', 'admit', 'trial ok', 'trial fails', 'trial lost', 'time');
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(1)), { maxLength: 200 }), (steps) => {
        const { of } = breakers(2);
        let nowMs = 10_000;
        let trials: { id: number; worker: Breaker }[] = [];
        for (const [what, worker] of steps) {
          const breaker = of[worker]!;
          if (what === 'time') nowMs += 250;
          if (what === 'fail') breaker.failed(0, nowMs, policy);
          if (what === 'ok') breaker.succeeded(0, nowMs, policy);
          if (what === 'admit') {
            const id = breaker.admit(nowMs, policy, TRIAL_MS);
            if (id > 0) trials.push({ id, worker: breaker });
          }
          const trial = what.startsWith('trial') ? trials.shift() : undefined;
          if (trial === undefined) continue;
          if (what === 'trial ok') trial.worker.succeeded(trial.id, nowMs, policy);
          if (what === 'trial fails') trial.worker.failed(trial.id, nowMs, policy);
          if (what === 'trial lost') trial.worker.withdrawn(trial.id);
          const live = Math.max(0, ...trials.map(({ id }) => id));
          expect(trials.filter(({ id }) => id === live && id > nowMs).length).toBeLessThanOrEqual(
            policy.trials,
          );
          trials = trials.filter(({ id }) => id > nowMs);
        }
        nowMs += 20_000;
        expect(of[0]!.admit(nowMs, policy, TRIAL_MS)).not.toBe(REFUSED);
      }),
      { numRuns: 500 },
    );
  });
});
