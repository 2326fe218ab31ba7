import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventDraft } from './event.ts';
import { createFold, isFolded, type Occurrences } from './fold.ts';
import { sampleDrafts } from './samples.ts';

const { keyId: _, ...sample } = sampleDrafts['rate_limit.exceeded'];
const billing = { ...sampleDrafts['quota.exceeded'], keyId: 'of-acme', subject: 'key:Jk3n9QxA/acme' };
const many = (subject: string, count: number, atMs: number, more: object = {}): Occurrences => ({
  ...sample,
  ...more,
  ...{ subject, atMs },
  data: { ...sample.data, count },
});

function start(addressesMax?: number, keysMax?: number) {
  const told: EventDraft[] = [];
  const window = { ms: 60_000 };
  const clock = { ms: 0, wallBehindMs: 0 };
  const real = createFold({
    emit: (draft) => void told.push(draft),
    windowMs: () => window.ms,
    monotonicMs: () => clock.ms,
    epochMs: () => clock.ms - clock.wallBehindMs,
    ...(addressesMax !== undefined && { addressesMax }),
    ...(keysMax !== undefined && { keysMax }),
  });
  /** Time passes until `ms`, on both clocks. */
  const at = (ms: number): void => void (clock.ms = ms);
  const fold = {
    ...{ add: (of: Occurrences) => (at(of.atMs + clock.wallBehindMs), real.add(of)) },
    ...{ look: (ms: number) => (at(ms), real.look()), flush: (ms: number) => (at(ms), real.flush()) },
    subjects: () => real.subjects,
    folded: () => real.folded,
  };
  const take = () =>
    told.splice(0).map(({ subject, data, atMs }) => {
      const { count, windowMs } = data as { count: number; windowMs: number };
      return [subject, count, windowMs, atMs];
    });
  return { fold, told, take, window, clock };
}

describe('folding', () => {
  it('tells the first at once, then once a window with a count, and then nothing', () => {
    const { fold, take } = start();
    fold.add(many('a', 1, 1000));
    expect(take()).toEqual([['a', 1, 0, 1000]]);
    fold.add(many('a', 4000, 2000));
    fold.add(many('a', 5999, 50_000));
    fold.look(60_999);
    expect(take()).toEqual([]);
    fold.look(61_000);
    expect(take()).toEqual([['a', 9999, 60_000, 61_000]]);
    fold.look(121_000);
    expect(take()).toEqual([]);
    expect(fold.subjects()).toBe(0);
    fold.add(many('a', 1, 121_001));
    expect(take()).toEqual([['a', 1, 0, 121_001]]);
  });

  it('counts what came with the first to its window', () => {
    const { fold, take } = start();
    fold.add(many('a', 10, 0));
    fold.look(60_000);
    expect(take()).toEqual([
      ['a', 1, 0, 0],
      ['a', 9, 60_000, 60_000],
    ]);
  });

  it('keeps types and subjects apart, with the data of the last', () => {
    const { fold, told } = start();
    fold.add(many('a', 1, 0));
    fold.add({ ...sampleDrafts['burst.used'], subject: 'a', atMs: 0 });
    fold.add(many('b', 1, 0));
    expect(told).toHaveLength(3);
    fold.add({ ...sample, subject: 'a', atMs: 10, data: { ...sample.data, method: 'eth_call' } });
    fold.look(60_000);
    expect(told.at(-1)).toMatchObject({
      type: 'rate_limit.exceeded',
      data: { method: 'eth_call', count: 1 },
    });
  });

  it('tells of all beyond so many subjects as one', () => {
    const { fold, take, told } = start(3);
    for (let at = 0; at < 1000; at += 1) fold.add(many(`a${at}`, 2, 0));
    expect(fold.subjects()).toBe(4);
    expect(told.at(-1)).not.toHaveProperty('keyId');
    expect(take().map(([subject, count]) => [subject, count])).toEqual([
      ['a0', 1],
      ['a1', 1],
      ['a2', 1],
      ['*', 1],
    ]);
    fold.look(60_000);
    expect(take().map(([subject, count]) => [subject, count])).toEqual([
      ['a0', 1],
      ['a1', 1],
      ['a2', 1],
      ['*', 1993],
    ]);
  });

  it('a flood of addresses hides no key, of its own type or another', () => {
    const { fold, told } = start(3);
    for (let at = 0; at < 10; at += 1) fold.add(many(`a${at}`, 2, 0));
    told.length = 0;
    const ofKey = many('key:Jk3n9QxA/acme', 1, 0, { keyId: 'of-acme' });
    fold.add(ofKey);
    fold.add({ ...billing, atMs: 0 });
    fold.add({ ...many('b', 1, 0), type: 'burst.used' } as Occurrences);
    expect(told.map(({ type, subject, keyId }) => [type, subject, keyId])).toEqual([
      ['rate_limit.exceeded', ofKey.subject, 'of-acme'],
      ['quota.exceeded', billing.subject, 'of-acme'],
      ['burst.used', 'b', undefined],
    ]);
  });

  it('tells of keys beyond a bound of their own by their names, and loses no count', () => {
    const { fold, take } = start(3, 2);
    for (const subject of ['key:1/', 'key:2/', 'key:3/', 'key:3/'])
      fold.add(many(subject, 5, 0, { keyId: subject }));
    expect(take().map(([subject, count]) => [subject, count])).toEqual([
      ['key:1/', 1],
      ['key:2/', 1],
      ['key:3/', 5],
      ['key:3/', 5],
    ]);
    fold.flush(10);
    expect(take().map(([subject, count]) => [subject, count])).toEqual([
      ['key:1/', 4],
      ['key:2/', 4],
    ]);
    expect(fold.folded()).toBe(14);
  });

  it('tells of some hundreds of windows a look, of all types in turn', () => {
    const { fold, told } = start();
    for (let at = 0; at < 1000; at += 1) fold.add(many(`a${at}`, 2, 0));
    for (let at = 0; at < 1000; at += 1)
      fold.add({ ...billing, subject: `k${at}`, atMs: 0, data: { ...billing.data, count: 2 } });
    told.length = 0;
    const looks: number[] = [];
    const types = new Set<string>();
    for (let at = 0; at < 7; at += 1) {
      fold.look(60_000);
      looks.push(told.length);
      for (const { type } of told.splice(0)) if (at < 4) types.add(type);
    }
    expect(looks.reduce((sum, count) => sum + count, 0)).toBe(2000);
    expect(Math.max(...looks)).toBeLessThanOrEqual(500);
    expect(types.size).toBe(2);
  });

  it('ends windows in time when the clock of the machine is set back', () => {
    const { fold, take, clock } = start();
    fold.add(many('a', 1, 0));
    clock.wallBehindMs = 7_200_000;
    fold.add(many('a', 9, -7_199_000));
    take();
    fold.look(60_000);
    expect(take()).toEqual([['a', 9, 60_000, 60_000 - 7_200_000]]);
  });

  it('tells of what was counted when it ends', () => {
    const { fold, take } = start();
    fold.add(many('a', 3, 0));
    fold.add(many('b', 1, 0));
    take();
    fold.flush(5000);
    expect(take()).toEqual([['a', 2, 5000, 5000]]);
  });

  it('ends windows in time that a reload has made shorter', () => {
    const { fold, take, window } = start();
    fold.add(many('a', 2, 0));
    window.ms = 1000;
    fold.add(many('b', 2, 0));
    take();
    fold.look(1000);
    expect(take()).toEqual([['b', 1, 1000, 1000]]);
    fold.look(60_000);
    expect(take()).toEqual([['a', 1, 60_000, 60_000]]);
  });

  it('property: the counts told are what happened, whenever it did', () => {
    const step = fc.record({
      subject: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      count: fc.integer({ min: 1, max: 50 }),
      afterMs: fc.integer({ min: 0, max: 40_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { fold, take } = start(3);
        let now = 0;
        let happened = 0;
        for (const { subject, count, afterMs } of steps) {
          now += afterMs;
          fold.look(now);
          fold.add(many(subject, count, now));
          happened += count;
        }
        fold.flush(now);
        const told = take();
        expect(told.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(happened);
        expect(fold.folded()).toBe(happened - told.length);
      }),
    );
  });

  it('is of types whose data counts', () => {
    expect(
      Object.values(sampleDrafts)
        .filter(isFolded)
        .map(({ type }) => type),
    ).toEqual(['rate_limit.exceeded', 'burst.used', 'burst.depleted', 'method.blocked', 'quota.exceeded']);
  });
});
