import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { createFakeClock, findFaketime } from './fake-clock.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';

const library = findFaketime();
if (library === undefined) console.warn('clocks that jump are not tested here: libfaketime is not installed');

const daily = { name: 'daily', key: 'clock-daily-key-of-22-chars', quota: { requests: 5, period: 'day' } };
const monthly = {
  name: 'monthly',
  key: 'clock-monthly-key-of-22-char',
  quota: { requests: 8, period: 'month' },
};
/** Two looks at the ledger, from which quotas are corrected: docs/operations.md. */
const LOOKS_MS = 4500;

let node: FakeUpstream;
beforeAll(async () => {
  node = await startFakeUpstream();
});
afterAll(() => node.close());

/** A program under a clock of its own, ended and removed with the test. */
async function startUnderClock(utc: string, onTestFinished: TestContext['onTestFinished']) {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-clock-'));
  const clock = createFakeClock(library ?? '', folder);
  const start = (): Promise<StoreGateway> =>
    startStoreGateway({ node: node.url, folder, env: clock.env, config: { keys: [daily, monthly] } });
  clock.set(utc);
  let gateway = await start();
  onTestFinished(async () => {
    await gateway.program.kill();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    set: clock.set,
    async restart(): Promise<void> {
      await gateway.program.kill();
      gateway = await start();
    },
    operate: (name: string) => gateway.operate(name),
    /** Makes so many calls; their statuses, and how often each. */
    async calls(key: string, count: number): Promise<Record<number, number>> {
      const statuses: Record<number, number> = {};
      for (let k = 0; k < count; k += 1) {
        const { status } = await gateway.call(key);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      return statuses;
    },
    async byDay(key: string, from: string): Promise<[string, number, number][]> {
      const { lines } = await gateway.operate('usage.query', { key, from, by: ['day'] });
      return lines.map((line: any) => [line.at.slice(0, 10), line.calls, line.refused]);
    },
  };
}

// At once: each mostly waits for its program to look at the ledger.
describe.skipIf(library === undefined)('the clock under a running program', { concurrent: true }, () => {
  it('over a leap day and the end of its month: days and months of quotas and of the ledger are the calendar’s', async ({
    onTestFinished,
  }) => {
    const { set, restart, calls, byDay } = await startUnderClock('2028-02-28T23:50:00Z', onTestFinished);
    expect(await calls(daily.key, 6)).toEqual({ 200: 5, 402: 1 });
    expect(await calls(monthly.key, 3)).toEqual({ 200: 3 });
    set('2028-02-29T00:00:01Z');
    await delay(LOOKS_MS);
    expect(await calls(daily.key, 7)).toEqual({ 200: 5, 402: 2 });
    expect(await calls(monthly.key, 6)).toEqual({ 200: 5, 402: 1 });
    set('2028-03-01T00:00:01Z');
    await delay(LOOKS_MS);
    expect(await calls(daily.key, 4)).toEqual({ 200: 4 });
    expect(await calls(monthly.key, 6)).toEqual({ 200: 6 });
    await restart();
    expect(await calls(daily.key, 2)).toEqual({ 200: 1, 402: 1 });
    expect(await calls(monthly.key, 3)).toEqual({ 200: 2, 402: 1 });
    const all = async () => [await byDay('daily', '2028-02-01'), await byDay('monthly', '2028-02-01')];
    const whole = [
      [
        ['2028-02-28', 5, 1],
        ['2028-02-29', 5, 2],
        ['2028-03-01', 5, 1],
      ],
      [
        ['2028-02-28', 3, 0],
        ['2028-02-29', 5, 1],
        ['2028-03-01', 8, 1],
      ],
    ];
    await eventually(async () => JSON.stringify(await all()) === JSON.stringify(whole), 5000).catch(() => {});
    expect(await all()).toEqual(whole);
  });

  it('set back by two hours: no quota begins anew, and no call is lost or counted twice', async ({
    onTestFinished,
  }) => {
    const { set, operate, calls, byDay } = await startUnderClock('2027-06-15T12:00:00Z', onTestFinished);
    expect(await calls(daily.key, 2)).toEqual({ 200: 2 });
    set('2027-06-15T10:00:00Z');
    await delay(LOOKS_MS);
    expect(await calls(daily.key, 4)).toEqual({ 200: 3, 402: 1 });
    // And from behind midnight to before it: what was begun goes on.
    set('2027-06-16T00:30:00Z');
    await delay(LOOKS_MS);
    expect(await calls(daily.key, 3)).toEqual({ 200: 3 });
    set('2027-06-15T22:30:00Z');
    await delay(LOOKS_MS);
    expect(await calls(daily.key, 3)).toEqual({ 200: 2, 402: 1 });
    set('2027-06-16T01:00:00Z');
    await delay(LOOKS_MS);
    expect(await byDay('daily', '2027-06-01')).toEqual([
      ['2027-06-15', 7, 2],
      ['2027-06-16', 3, 0],
    ]);
    expect(await operate('reconcile')).toMatchObject({ ok: true, pending: { calls: 0 } });
  });
});
