import { describe, expect, it } from 'vitest';
import { parseAddress, parseCidr, sharePrefixTable } from '../identity/index.ts';
import { openAddressLists } from './address-lists.ts';
import { createAutoBan, type SharedCount } from './auto-ban.ts';
import { createBanBook } from './ban-book.ts';
import { createBanMemory, openBans, openBanWriter } from './ban-table.ts';

const seed = Uint32Array.of(1, 2, 3, 4);
const networks = (...texts: string[]) => texts.map((text) => parseCidr(text)!);
const settings = { threshold: 10, windowMs: 60_000, banForMs: 1000, growth: 3, banMaxMs: 20_000 };

function start({
  bansMax = 100,
  allow = [] as string[],
  trusted = [] as string[],
  simulated = false,
  shared = null as SharedCount | null,
} = {}) {
  const memory = createBanMemory(bansMax, seed);
  const book = createBanBook(openBanWriter(memory, bansMax), bansMax);
  const lists = openAddressLists({
    allow: sharePrefixTable(networks(...allow)),
    deny: sharePrefixTable([]),
  });
  const spared = () => ({ lists, trustedProxies: networks(...trusted) });
  const auto = createAutoBan(settings, { book, spared, simulated, shared });
  /** Adds, and puts what follows into the book. */
  const add = (address: string, weight: number, nowMs: number, steadyMs = nowMs) => {
    const bans = auto.add({ addresses: [address], weights: [weight] }, nowMs, steadyMs);
    for (const ban of bans) book.put(ban);
    return bans;
  };
  return { book, add, auto, bans: openBans(memory) };
}

describe('auto-ban', () => {
  it('bans at the threshold, and tells what the address did', () => {
    const { add } = start();
    expect(add('203.0.113.9', 9, 0)).toEqual([]);
    expect(add('203.0.113.9', 1, 100)).toEqual([
      {
        prefix: '203.0.113.9',
        reason: 'violations of weight 10 within 60 s',
        by: 'auto',
        beganAt: 100,
        until: 1100,
        times: 1,
        simulated: false,
      },
    ]);
    expect(add('203.0.113.9', 99, 200), 'banned already').toEqual([]);
    expect(add('2001:db8:0:1::/64', 10, 200)).toMatchObject([{ prefix: '2001:db8:0:1::/64' }]);
  });

  it('begins after the ban before it, whoever’s clock that had', () => {
    const { add, book } = start();
    book.remember({ prefix: '203.0.113.9', times: 1, beganAt: 900, endedAt: 50 });
    expect(add('203.0.113.9', 10, 100)).toMatchObject([{ beganAt: 901, until: 3100, times: 2 }]);
    // One that refused nobody has no say among others.
    const [simulated] = start({ simulated: true }).add('203.0.113.8', 10, 100);
    book.put(simulated!);
    book.remove('203.0.113.8', 200, true);
    expect(book.past('203.0.113.8')).toEqual({ times: 1, beganAt: 0, endedAt: 200 });
  });

  it('bans longer with each repeat, up to the longest, and begins anew after a good while', () => {
    const { add, book } = start();
    let now = 0;
    const lengths = [1, 2, 3, 4, 5].map(() => {
      const [ban] = add('203.0.113.9', 10, now);
      now = ban!.until! + 1;
      book.due(now, 100);
      return ban!.until! - ban!.beganAt;
    });
    expect(lengths).toEqual([1000, 3000, 9000, 20_000, 20_000]);
    now += settings.banMaxMs;
    expect(add('203.0.113.9', 10, now)).toMatchObject([{ times: 1, until: now + 1000 }]);
  });

  it('spares loopback, trusted proxies and the allow-list', () => {
    const { add } = start({ allow: ['198.51.100.0/24'], trusted: ['10.0.0.0/8', '2001:db8::5'] });
    for (const address of [
      '127.0.0.1',
      '127.9.9.9',
      '::/64',
      '10.1.2.3',
      '198.51.100.7',
      '2001:db8::/64',
      'no address',
    ])
      expect(add(address, 1000, 0), address).toEqual([]);
    expect(add('11.0.0.1', 10, 0)).toHaveLength(1);
  });

  it('spares no network of which the allow-list names a part only', () => {
    const { add } = start({
      allow: ['2001:db8:1::/64', '2001:db8:2::/47', '198.51.100.0/25', '198.51.100.128/25'],
    });
    expect(add('2001:db8:1::/48', 10, 0)).toMatchObject([{ prefix: '2001:db8:1::/48' }]);
    expect(add('2001:db8:3::/48', 10, 0)).toEqual([]);
    expect(add('198.51.100.0/24', 10, 0), 'by two entries').toEqual([]);
  });

  it('counts by a clock that is not set', () => {
    const { add } = start();
    const noon = 1e12;
    expect(add('203.0.113.9', 6, noon, 1000)).toEqual([]);
    expect(add('203.0.113.9', 6, noon - 3_600_000, 2000)).toMatchObject([{ beganAt: noon - 3_600_000 }]);
    expect(add('203.0.113.8', 6, noon, 3000)).toEqual([]);
    expect(add('203.0.113.8', 6, noon + 1, 3000 + settings.windowMs)).toEqual([]);
  });

  it('takes a wider ban for its own', () => {
    const { add, book } = start();
    book.put({
      ...{ prefix: '203.0.113.0/24', reason: '', by: 'ada', beganAt: 0, until: null },
      ...{ times: 1, simulated: false },
    });
    expect(add('203.0.113.9', 10, 0)).toEqual([]);
  });

  it('says that a ban is simulated', () => {
    expect(start({ simulated: true }).add('203.0.113.9', 10, 0)).toMatchObject([{ simulated: true }]);
  });
});

/** In pieces of 10,000; a million in the long run. */
const rounds = process.env['POLYMORPH_TEST_LONG'] === '1' ? 100 : 40;

describe('hundreds of thousands of addresses that attack', () => {
  const addressAt = (i: number) => `${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.9`;

  it('leave memory flat, and as many bans as there may be', () => {
    const { auto, book, bans } = start({ bansMax: 10_000 });
    const heaps: number[] = [];
    let refused = 0;
    for (let round = 0; round < rounds; round += 1) {
      const addresses = Array.from({ length: 10_000 }, (_, i) => addressAt(round * 10_000 + i));
      // Each tenth reaches the threshold.
      const weights = addresses.map((_, i) => (i % 10 === 0 ? 10 : 1));
      for (const ban of auto.add({ addresses, weights }, round * 100, round * 100))
        if (!book.put(ban)) refused += 1;
      if (round >= 15) heaps.push(process.memoryUsage().heapUsed);
    }
    expect(book.size).toBe(10_000);
    expect(refused).toBe(rounds * 1000 - 10_000);
    expect(bans.find(parseAddress(addressAt(0))!)).toMatchObject({ bits: 32 });
    // What is left after the collector's swings, which are as large as what is looked for: 250,000 addresses more.
    expect(Math.min(...heaps.slice(-5)) - Math.min(...heaps.slice(0, 5))).toBeLessThan(30e6);
    expect(book.due(Number.MAX_SAFE_INTEGER, 20_000)).toHaveLength(10_000);
  });
});

describe('violations over all instances', () => {
  it('are told of from half an even share on, and of that only what comes on top', () => {
    const told: [string, number][] = [];
    const shared = { instances: () => 2, add: (...one: [string, number]) => void told.push(one) };
    const { add, auto, book } = start({ shared });
    // Half of a share of 10 over two instances: 2.5.
    add('203.0.113.1', 2, 0);
    expect(told).toEqual([]);
    add('203.0.113.1', 2, 0);
    add('203.0.113.1', 3, 0);
    expect(told).toEqual([
      ['203.0.113.1', 1.5],
      ['203.0.113.1', 3],
    ]);
    expect(add('203.0.113.1', 4, 0), 'the threshold is reached here').toHaveLength(1);
    expect(told).toHaveLength(2);
    const ban = auto.reached('203.0.113.2', 12, 5);
    expect(ban).toMatchObject({
      ...{ prefix: '203.0.113.2', by: 'auto', beganAt: 5, times: 1 },
      reason: 'violations of weight 12 within 60 s over all instances',
    });
    book.put(ban!);
    expect(auto.reached('203.0.113.2', 12, 6), 'banned already').toBeUndefined();
    expect(auto.reached('127.0.0.1', 12, 6)).toBeUndefined();
  });

  it('are nobody else’s business where there is one', () => {
    const told: unknown[] = [];
    const { add } = start({ shared: { instances: () => 1, add: (...one) => void told.push(one) } });
    add('203.0.113.1', 9, 0);
    expect(told).toEqual([]);
  });
});
