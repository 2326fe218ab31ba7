import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endedNews } from './ban-events.ts';
import { createBanJournal } from './ban-journal.ts';
import type { BanChange } from './bans.ts';
import { entryOf } from './testing/entry-of.ts';

const end = (prefix: string): BanChange => ({ kind: 'end', prefix, beganAt: 1, endedAt: 2 });
const event = (prefix: string) => endedNews({ prefix } as never, 'expired', 'auto', 2).event;

let away: boolean;
let written: string[];
let told: string[];
let warnings: { lost: number }[];
const start = (pendingMax: number) =>
  createBanJournal({
    async write(changes) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (away) throw Object.assign(new Error('away'), { code: 'unavailable' });
      if (changes.some(({ change }) => change.kind === 'end' && change.prefix === 'poison'))
        throw Object.assign(new Error('no such value'), { code: 'invalid' });
      written.push(...changes.map(({ change }) => (change.kind === 'end' ? change.prefix : '')));
      told.push(...changes.map(({ event }) => event?.subject ?? ''));
      return changes.map(() => true);
    },
    events: { prepare: entryOf, added: () => {} },
    logger: { error: (facts: object) => void warnings.push(facts as { lost: number }) },
    elapsedMs: Date.now,
    pendingMax,
  });

beforeEach(() => {
  vi.useFakeTimers();
  [away, written, told, warnings] = [true, [], [], []];
});
afterEach(() => vi.useRealTimers());

it('keeps order over a store that is away, and gives up the oldest beyond its bound', async () => {
  const journal = start(1000);
  const names = Array.from({ length: 2200 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  for (const name of names) {
    journal.add(end(name), event(name));
    if (names.indexOf(name) % 100 === 0) await vi.advanceTimersByTimeAsync(3);
  }
  expect(journal.isPending(names[2199]!)).toBe(true);
  // At once, while the store is away still.
  expect(warnings).toEqual([{ kind: 'blocklist', lost: 500 }]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(written).toEqual([]);
  away = false;
  journal.resume();
  await vi.advanceTimersByTimeAsync(5000);
  const kept = new Set(written);
  expect(written.join()).toBe(names.filter((name) => kept.has(name)).join());
  expect(written.at(-1)).toBe(names.at(-1));
  expect(written.length).toBeGreaterThanOrEqual(500);
  expect(written.length).toBeLessThanOrEqual(1500);
  expect(told.join()).toBe(written.join());
  expect(warnings[0]).toEqual({ kind: 'blocklist', lost: 500 });
  expect(warnings.reduce((sum, { lost }) => sum + lost, 0)).toBe(2200 - written.length);
  expect(journal.lost).toBe(2200 - written.length);
  expect(names.some((name) => journal.isPending(name))).toBe(false);
  journal.stop();
});

it('says whether all is written', async () => {
  const journal = start(10);
  journal.add(end('10.0.0.1'), event('10.0.0.1'));
  const first = journal.written(100);
  await vi.advanceTimersByTimeAsync(200);
  expect(await first).toBe(false);
  away = false;
  const second = journal.written(100);
  await vi.advanceTimersByTimeAsync(200);
  expect(await second).toBe(true);
  journal.add(end('10.0.0.2'), event('10.0.0.2'));
  const third = journal.written(5);
  await vi.advanceTimersByTimeAsync(6);
  expect(await third, 'under way').toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  journal.stop();
});

it('writes all but the one that the store refuses', async () => {
  away = false;
  const journal = start(1000);
  const names = Array.from({ length: 20 }, (_, at) => (at === 7 ? 'poison' : `10.0.0.${at}`));
  for (const name of names) journal.add(end(name), event(name));
  await vi.advanceTimersByTimeAsync(2000);
  expect(written).toEqual(names.filter((name) => name !== 'poison'));
  expect([warnings, journal.lost]).toEqual([[{ kind: 'blocklist', lost: 1 }], 1]);
  expect(names.some((name) => journal.isPending(name))).toBe(false);
  journal.stop();
});

it('tries again while it ends, and says what is lost', async () => {
  const journal = start(10);
  journal.add(end('10.0.0.1'), event('10.0.0.1'));
  const first = journal.close(2000);
  await vi.advanceTimersByTimeAsync(1500);
  away = false;
  await vi.advanceTimersByTimeAsync(200);
  await first;
  expect([written, warnings]).toEqual([['10.0.0.1'], []]);
  away = true;
  const other = start(10);
  other.add(end('10.0.0.2'), event('10.0.0.2'));
  const second = other.close(2000);
  await vi.advanceTimersByTimeAsync(2100);
  await second;
  expect(warnings).toEqual([{ kind: 'blocklist', lost: 1 }]);
});
