import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unbannedEvent } from './ban-events.ts';
import { createBanJournal } from './ban-journal.ts';
import type { BanChange } from './bans.ts';
import { entryOf } from './testing/entry-of.ts';

const end = (prefix: string): BanChange => ({ kind: 'end', prefix, beganAt: 1, endedAt: 2 });
const event = (prefix: string) => unbannedEvent({ prefix } as never, 'expired', 'auto', 2);

let away: boolean;
let written: string[];
let told: string[];
let warnings: object[];
const start = (pendingMax: number) =>
  createBanJournal({
    async write(changes) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (away) throw new Error('away');
      written.push(...changes.map(({ change }) => (change.kind === 'end' ? change.prefix : '')));
      told.push(...changes.map(({ event }) => event?.subject ?? ''));
      return changes.map(() => true);
    },
    events: { prepare: entryOf, added: () => {} },
    logger: { warn: (facts: object) => warnings.push(facts) } as never,
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
  expect(warnings).toEqual([{ kind: 'blocklist', lost: 2200 - written.length }]);
  expect(names.some((name) => journal.isPending(name))).toBe(false);
  journal.close();
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
  journal.close();
});
