import { describe, expect, it } from 'vitest';
import { findFaketime } from '../store/fake-clock.ts';
import { whyNoSmallDisk } from '../store/small-disk.ts';
import { describePlan, drawPlan, faultNames, type Plan } from './plan.ts';
import { runPlan } from './run.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const given = process.env['POLYMORPH_CHAOS_SEED'];
const FIXED = 7;
const COUNT = Number(process.env['POLYMORPH_CHAOS_SEEDS'] ?? (long ? 24 : 2));
/** In which faults begin. */
const FAULTS_MS = Number(process.env['POLYMORPH_CHAOS_SECONDS'] ?? (long ? 15 : 6)) * 1000;

/** On a machine with much else to do a start may take half a minute; shrinking runs it many times. */
const TIMEOUT_MS = given === undefined ? 5 * 60_000 : 60 * 60_000;

const library = findFaketime();
const why = whyNoSmallDisk();
if (library === undefined) console.warn('no clock jumps here: libfaketime is not installed');
if (why !== null) console.warn(`no disk is full here: ${why}`);

const first = Math.floor(Math.random() * 1e6);
const seeds =
  given === undefined
    ? [FIXED, ...Array.from({ length: COUNT - 1 }, (_, k) => first + k)]
    : given.split(',').map(Number);

const can = { clock: library !== undefined, disk: why === null };

it('draws the same from the same seed, and each kind of world and fault from many', () => {
  expect(drawPlan(FIXED, 6000, can)).toEqual(drawPlan(FIXED, 6000, can));
  const plans = Array.from({ length: 200 }, (_, seed) => drawPlan(seed, 6000, { clock: true, disk: true }));
  const names = new Set(plans.flatMap(({ faults }) => faults.map(({ name }) => name)));
  expect([...names].toSorted()).toEqual([...new Set(Object.values(faultNames).flat())].toSorted());
  for (const member of ['instances', 'workers', 'store', 'redis', 'mode', 'clock', 'disk'] as const)
    expect(new Set(plans.map(({ world }) => world[member])).size).toBeGreaterThan(1);
});

describe('whatever befalls it, what was answered is right, counted and told', { concurrent: !long }, () => {
  it.each(seeds)('seed %i', { timeout: TIMEOUT_MS }, async (seed) => {
    const plan = drawPlan(seed, FAULTS_MS, can);
    const { wrong, told } = await runPlan(plan, library);
    console.log(told);
    if (wrong.length === 0) return;
    const least = given === undefined ? plan : await shrink(plan);
    const again = `POLYMORPH_CHAOS_SEED=${seed} POLYMORPH_CHAOS_SECONDS=${FAULTS_MS / 1000}`;
    expect.fail(`${describePlan(least)}\nagain: ${again}\n${wrong.slice(0, 40).join('\n')}`);
  });
});

/** Leaves out one fault after the other, as long as something is wrong without it. */
async function shrink(plan: Plan): Promise<Plan> {
  let least = plan;
  for (const fault of plan.faults) {
    const fewer = { ...least, faults: least.faults.filter((one) => one !== fault) };
    const { wrong } = await runPlan(fewer, library);
    console.log(`without ${fault.name} at ${fault.atMs.toFixed(0)} ms: ${wrong[0] ?? 'all is right'}`);
    if (wrong.length > 0) least = fewer;
  }
  return least;
}
