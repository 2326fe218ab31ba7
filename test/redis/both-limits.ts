import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startFakeUpstream } from '../fakes/upstream.ts';
import type { Program } from '../program.ts';
import { type SharedLoad, startInstances, startSharedLoad, stopInstances } from './instances.ts';

export const CAPACITY = 300;
/** Calls a second. */
export const RATE = 200;
export const rule = { requests: RATE, period: '1s', burst_size: CAPACITY - RATE };
/** Twice the limit: some 360 calls a second to the first, 20 to each of the others. */
export const UNEVEN = [36, 2, 2];
export const PAUSE_MS = 100;
/** An instance is told of the others each second. */
export const SETTLE_MS = 1500;
/**
 * The product's own bound is 100 ms; this machine may be crowded, and stand still for half a second. A call that waits for a Redis that is away, frozen or
 * slow takes longer than this.
 */
export const SLOWEST_MS = 1000;
/** From the end of a fault to normal. */
const RECOVERY_MS = 5000;
/** What the limit has to let pass again, and may at most, by a count over a second on a crowded machine. */
const LEAST = 0.9;

const modes = ['leased', 'exact'] as const;

/** Three instances under a load of twice as much as two of their limits allow: one leased, one exact. */
export interface BothLimits extends AsyncDisposable {
  readonly programs: readonly Program[];
  /**
   * Lets it happen, and waits until both limits are used up as before. Nobody may see more than a refusal, and no more pass than a bucket
   * allows from now on and `extra`: calls, of the time the fault and its end took to notice, in seconds.
   */
  under(name: string, fault: () => Promise<void>, extra: (seconds: number) => number): Promise<void>;
}

/** One more capacity for the time that Redis is away, with what is refilled meanwhile. */
export const outage = (seconds: number): number => CAPACITY + RATE * seconds;
/** For each loss of what Redis knows. */
export const loss = (): number => CAPACITY;

export async function startBothLimits(options: {
  redis: unknown;
  env?: (index: number) => Readonly<Record<string, string>>;
}): Promise<BothLimits> {
  const node = await startFakeUpstream();
  const methods = Object.fromEntries(modes.map((consistency) => [consistency, { ...rule, consistency }]));
  const programs = await startInstances({ ...options, node: node.url, limits: { methods } });
  await sleep(SETTLE_MS);
  const loads = Object.fromEntries(
    modes.map((mode) => [mode, startSharedLoad(programs, UNEVEN, PAUSE_MS, mode)]),
  ) as Record<(typeof modes)[number], SharedLoad>;
  // The bucket's burst is gone by then.
  await sleep(2 * SETTLE_MS);

  return {
    programs,
    async under(name, fault, extra) {
      const began = performance.now();
      const before = modes.map((mode) => loads[mode].passed());
      for (const mode of modes) loads[mode].forgetSlowest();
      await fault();
      const ended = performance.now();
      let normalMs = Number.NaN;
      let rates: number[] = [];
      while (performance.now() - ended < RECOVERY_MS + 1000) {
        rates = await ratesOf(loads);
        if (!rates.every((rate) => rate >= LEAST * RATE)) continue;
        normalMs = performance.now() - ended - 1000;
        break;
      }
      const seconds = (performance.now() - began) / 1000;
      const bound = CAPACITY + RATE * seconds + extra(seconds);
      const passed = modes.map((mode, index) => loads[mode].passed() - before[index]!);
      console.log(
        `${name}: ${modes
          .map((mode, index) => `${mode} ${passed[index]}, slowest ${loads[mode].slowestMs().toFixed(0)} ms`)
          .join('; ')}; at most ${bound.toFixed(0)}; normal after ${normalMs.toFixed(0)} ms`,
      );
      for (const [index, mode] of modes.entries()) {
        expect(loads[mode].bad(), `${mode}: answers that are no refusal`).toEqual({});
        expect(passed[index], `${mode}: passed`).toBeLessThanOrEqual(bound);
        expect(loads[mode].slowestMs(), `${mode}: slowest call`).toBeLessThan(SLOWEST_MS);
      }
      expect(normalMs, `not normal again, calls a second: ${rates.map(Math.round).join(', ')}`).toBeLessThan(
        RECOVERY_MS,
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(modes.map((mode) => loads[mode].stop()));
      await stopInstances(programs);
      await node.close();
    },
  };
}

/** Calls a second that passed, over one. */
async function ratesOf(loads: Readonly<Record<(typeof modes)[number], SharedLoad>>): Promise<number[]> {
  const began = performance.now();
  const before = modes.map((mode) => loads[mode].passed());
  await sleep(1000);
  return modes.map(
    (mode, index) => ((loads[mode].passed() - before[index]!) * 1000) / (performance.now() - began),
  );
}
