import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBans } from '../../admission/index.ts';
import { compile, createConfig } from '../../config/index.ts';
import { testRegistries } from '../../config/testing/registries.ts';
import type { EventDraft } from '../../events/index.ts';
import { parseAddress } from '../../identity/index.ts';
import type { BanRow } from '../../store/index.ts';
import { type BanKeeper, createBanKeeper } from './ban-keeper.ts';
import type { ToldChange } from './ban-journal.ts';
import { entryOf } from './testing/entry-of.ts';

const autoBan = { threshold: 10, window: '10s', ban_for: '1s', growth: 2, ban_max: '10s' };

function policyOf(blocklist: object) {
  const result = createConfig(
    { upstreams: [{ url: 'http://127.0.0.1:8545' }], blocklist },
    { name: 'test', directory: '/' },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return { config: result.config, snapshot: compile(result.config, testRegistries()) };
}

let keeper: BanKeeper;
let events: EventDraft[];
let warnings: string[];

function start(blocklist: object = { auto_ban: autoBan }): void {
  events = [];
  warnings = [];
  const warn = (facts: object, text: string) => 'event' in facts || warnings.push(text);
  const logger = { warn, error: warn, info: () => {} } as never;
  keeper = createBanKeeper({
    ...policyOf(blocklist),
    events: {
      emit: (event) => void events.push(event),
      prepare: entryOf,
      added: () => {},
    },
    logger,
    seed: Uint32Array.of(1, 2, 3, 4),
    shared: null,
    epochMs: Date.now,
    steadyMs: () => performance.now(),
  });
}
const refuses = (address: string) => openBans(keeper.memory).find(parseAddress(address)!) !== undefined;
const violate = (address: string, weight = 10) =>
  keeper.violated({ addresses: [address], weights: [weight] });
const told = () => events.map(({ type, subject }) => `${type} ${subject}`);
const draft = (prefix: string, until: number | null = null) => ({ prefix, reason: 'r', by: 'ada', until });
const row = (prefix: string, over: Partial<BanRow> = {}): BanRow => ({
  ...{ prefix, reason: 'r', by: 'ada', times: 1, beganAt: Date.now(), until: null, endedAt: null },
  ...over,
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  start();
});
afterEach(() => {
  keeper.stop();
  vi.useRealTimers();
});

describe('without a store', () => {
  it('bans, tells it, and lets go in time', async () => {
    violate('203.0.113.9', 9);
    expect(refuses('203.0.113.9')).toBe(false);
    violate('203.0.113.9', 1);
    expect(refuses('203.0.113.9')).toBe(true);
    await vi.advanceTimersByTimeAsync(1300);
    expect(refuses('203.0.113.9')).toBe(false);
    expect(events).toMatchObject([
      {
        type: 'ip.banned',
        subject: '203.0.113.9',
        data: { by: 'auto', times: 1, simulated: false, until: '2027-01-15T08:00:01.000Z' },
      },
      { type: 'ip.unbanned', data: { reason: 'expired', by: 'auto' } },
    ]);
  });

  it('says that a ban is not kept', async () => {
    expect(await keeper.bans.add(draft('203.0.113.0/24'))).toMatchObject({ kept: false, ban: { times: 1 } });
    expect(refuses('203.0.113.200')).toBe(true);
    expect(keeper.made()).toEqual({ auto: 0, operator: 1 });
    expect(await keeper.bans.lift('203.0.113.0/24', 'bob')).toMatchObject({ kept: false });
    expect(await keeper.bans.lift('203.0.113.0/24', 'bob')).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: 'ip.unbanned', data: { reason: 'lifted', by: 'bob' } });
  });

  it('takes no more bans than there is room for, and says so now and then', async () => {
    start({ auto_ban: autoBan, max_bans: 100 });
    for (let i = 0; i < 200; i += 1) violate(`198.51.100.${i}`);
    expect(await keeper.bans.all()).toHaveLength(100);
    expect(keeper.made()).toEqual({ auto: 100, operator: 0 });
    expect(warnings).toEqual(['no room for more bans: blocklist.max_bans']);
    await expect(keeper.bans.add(draft('10.0.0.1'))).rejects.toMatchObject({ code: 'refused' });
  });

  it('drops what was only simulated before anybody is refused for it', () => {
    start({ mode: 'simulate', auto_ban: autoBan });
    violate('203.0.113.9');
    expect(events).toMatchObject([{ type: 'ip.banned', data: { simulated: true } }]);
    const { config, snapshot } = policyOf({ auto_ban: autoBan });
    keeper.configure(config, snapshot);
    expect(refuses('203.0.113.9')).toBe(false);
    expect(told().at(-1)).toBe('ip.unbanned 203.0.113.9');
  });
});

describe('with a store', () => {
  let written: ToldChange[];
  let away: boolean;
  beforeEach(() => {
    [written, away] = [[], false];
    keeper.keepIn({
      shared: true,
      async write(changes) {
        if (away) throw Object.assign(new Error('away'), { code: 'unavailable' });
        written.push(...changes);
        return changes.map(() => true);
      },
      read: async () => [],
    });
  });

  it('writes changes in their order, and tells of them once they are written', async () => {
    away = true;
    const adding = keeper.bans.add(draft('203.0.113.9'));
    expect(refuses('203.0.113.9')).toBe(true);
    await vi.advanceTimersByTimeAsync(500);
    expect((await adding).kept).toBe(false);
    const lifting = keeper.bans.lift('203.0.113.9', 'bob');
    expect(told()).toEqual([]);
    away = false;
    await vi.advanceTimersByTimeAsync(2500);
    await lifting;
    expect(written.map(({ change, event }) => [change.kind, event?.type, event?.subject])).toEqual([
      ['put', 'ip.banned', '203.0.113.9'],
      ['end', 'ip.unbanned', '203.0.113.9'],
    ]);
    expect(told()).toEqual([]);
  });

  it('takes over what the store has, but for what is still on its way there', async () => {
    await keeper.bans.add(draft('10.0.0.1'));
    away = true;
    const late = keeper.bans.add(draft('10.0.0.2'));
    await vi.advanceTimersByTimeAsync(10);
    keeper.replace([row('10.0.0.3'), row('10.0.0.4', { endedAt: Date.now(), times: 3 })]);
    expect(['1', '2', '3', '4'].filter((last) => refuses(`10.0.0.${last}`))).toEqual(['2', '3']);
    violate('10.0.0.4');
    expect((await keeper.bans.all()).find(({ prefix }) => prefix === '10.0.0.4')?.times).toBe(4);
    await vi.advanceTimersByTimeAsync(2500);
    await late;
  });

  it('hears of bans that others make, change and end', () => {
    const ban = row('10.0.0.1');
    keeper.changed(ban);
    expect(refuses('10.0.0.1')).toBe(true);
    keeper.changed({ ...ban, endedAt: Date.now() });
    expect(refuses('10.0.0.1')).toBe(false);
    expect(told()).toEqual([]);
  });

  it('ends at once what is over when it is read', async () => {
    keeper.replace([row('10.0.0.1', { until: Date.now() - 1 })]);
    expect(refuses('10.0.0.1')).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(written.map(({ event }) => event?.type)).toEqual(['ip.unbanned']);
  });

  it('writes no ban of a simulation', async () => {
    const { config, snapshot } = policyOf({ mode: 'simulate', auto_ban: autoBan });
    keeper.configure(config, snapshot);
    violate('203.0.113.9');
    await vi.advanceTimersByTimeAsync(2000);
    expect(written).toEqual([]);
    expect(told()).toEqual(['ip.banned 203.0.113.9', 'ip.unbanned 203.0.113.9']);
  });
});

describe('where another instance was faster', () => {
  const address = '203.0.113.9';
  let rows: Map<string, BanRow>;
  let away: boolean;
  let made: boolean[];
  let reads: string[][];
  beforeEach(() => {
    [rows, away, made, reads] = [new Map(), false, [], []];
    keeper.keepIn({
      shared: true,
      async write(changes) {
        if (away) throw Object.assign(new Error('away'), { code: 'unavailable' });
        const outcomes = changes.map(({ change }) => {
          if (change.kind === 'put') {
            const { ban } = change;
            if ((rows.get(ban.prefix)?.beganAt ?? 0) > ban.beganAt) return false;
            rows.set(ban.prefix, ban);
            return true;
          }
          const found = rows.get(change.prefix);
          if (found?.beganAt !== change.beganAt || found.endedAt !== null) return false;
          rows.set(change.prefix, { ...found, endedAt: change.endedAt });
          return true;
        });
        made.push(...outcomes);
        return outcomes;
      },
      async read(prefixes) {
        if (away) throw Object.assign(new Error('away'), { code: 'unavailable' });
        reads.push(prefixes);
        return prefixes.flatMap((prefix) => rows.get(prefix) ?? []);
      },
    });
  });

  it('an end that came too late does not lose the ban that was made since', async () => {
    await keeper.bans.add(draft(address, Date.now() + 1000));
    away = true;
    await vi.advanceTimersByTimeAsync(1500);
    expect(refuses(address)).toBe(false);
    rows.set(address, row(address, { until: Date.now() + 3_600_000, times: 2 }));
    // As a store that is back is read: while the end is still on its way.
    keeper.replace([...rows.values()]);
    expect(refuses(address)).toBe(false);
    away = false;
    keeper.resume();
    await vi.advanceTimersByTimeAsync(1000);
    expect(made).toEqual([true, false]);
    expect(refuses(address)).toBe(true);
    expect((await keeper.bans.all())[0]?.times).toBe(2);
  });

  it('a ban that came too late gives way to the newer, whatever was heard of that', async () => {
    away = true;
    const adding = keeper.bans.add(draft(address, Date.now() + 600_000));
    const newer = row(address, { beganAt: Date.now() + 60_000, by: 'bob' });
    rows.set(address, newer);
    away = false;
    keeper.resume();
    await vi.advanceTimersByTimeAsync(2500);
    await adding;
    expect(made).toEqual([false]);
    expect(await keeper.bans.all()).toMatchObject([{ by: 'bob', until: null, beganAt: newer.beganAt }]);
  });

  it('is read again until the store answers, and not once more', async () => {
    await keeper.bans.add(draft(address, Date.now() + 1000));
    rows.set(address, row(address, { beganAt: Date.now() + 5000, by: 'bob' }));
    await vi.advanceTimersByTimeAsync(1250);
    away = true;
    await vi.advanceTimersByTimeAsync(3000);
    away = false;
    await vi.advanceTimersByTimeAsync(1500);
    expect(refuses(address)).toBe(true);
    await vi.advanceTimersByTimeAsync(5000);
    expect(reads).toEqual([[address]]);
  });

  it('takes the place of one whose clock is ahead', async () => {
    const ahead = row(address, { beganAt: Date.now() + 60_000 });
    rows.set(address, ahead);
    keeper.changed(ahead);
    const { ban, kept } = await keeper.bans.add(draft(address, Date.now() + 600_000));
    expect([ban.beganAt, kept, made]).toEqual([ahead.beganAt, true, [true]]);
  });
});
