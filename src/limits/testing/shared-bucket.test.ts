import { describe, expect, test } from 'vitest';
import type { BucketShape, LeaseAsk } from '../index.ts';
import { agreesWithMemory, exactContract, inMemory, shared } from './exact-contract.ts';
import { long } from './fixture.ts';
import { SharedModel, keepMs } from './shared-model.ts';

const modelled = () => {
  const model = new SharedModel();
  return shared((buckets, cost, now) => model.take(buckets, cost, now));
};

describe('buckets in memory', () => {
  exactContract(inMemory);
});
describe('the model of shared buckets', () => {
  exactContract(modelled);

  test('answers as the buckets in memory, whatever the calls', () =>
    agreesWithMemory(modelled, long ? 5000 : 300));
});

/** A hundred tokens, ten a second: a token is 100,000 units, a microsecond one. */
const shape: BucketShape = {
  maxUnits: 10_000_000,
  refillUnits: 1,
  tokenUnits: 100_000,
  tickMicros: 1,
  burstUnits: 0,
};
const tokens = (count: number): number => count * shape.tokenUnits;
const seconds = (count: number): number => count * 1_000_000;
const start = seconds(1_700_000_000);

function fixture() {
  const model = new SharedModel();
  const ask = (holder: string, seq: number, more: Partial<LeaseAsk>, now = start) =>
    model.ask(
      holder,
      { bucket: 'x', shape, seq, unspent: 0, want: 0, least: 0, ttlMs: 5000, leave: false, ...more },
      now,
    );
  const bucket = () => model.buckets.get('x');
  return { model, ask, bucket };
}

describe('leases', () => {
  test('whole tokens are granted, as many as there are, and the answer says when there is one more', () => {
    const { ask } = fixture();
    expect(ask('a', 1, { want: tokens(60) })).toEqual({ granted: tokens(60), rest: tokens(40), waitMs: 0 });
    expect(ask('b', 1, { want: tokens(60) })).toEqual({ granted: tokens(40), rest: 0, waitMs: 100 });
    // A bucket of which all is out refills when what is out was spent, or has ended.
    expect(ask('c', 1, { want: tokens(1) })).toEqual({ granted: 0, rest: 0, waitMs: 5100 });
  });

  test('a bucket refills up to what is not out, and no further', () => {
    const { ask, model } = fixture();
    ask('a', 1, { want: tokens(60), ttlMs: 60_000 });
    model.take([{ bucket: 'x', shape }], 40, start);
    const later = start + seconds(30);
    expect(model.take([{ bucket: 'x', shape }], 0, later).before).toEqual([tokens(40)]);
    // Half of it was spent: there is room for as much again.
    expect(ask('a', 2, { unspent: tokens(30), ttlMs: 60_000 }, later).rest).toBe(tokens(40));
    expect(ask('b', 1, {}, later + seconds(2)).rest).toBe(tokens(60));
    expect(ask('b', 2, {}, later + seconds(20)).rest).toBe(tokens(70));
  });

  test('what is out beyond its end is spent: below it up to there, to the full from there on', () => {
    const { ask } = fixture();
    ask('a', 1, { want: tokens(60), ttlMs: 5000 });
    expect(ask('b', 1, {}, start + seconds(5) - 1).rest).toBe(tokens(40));
    expect(ask('b', 2, {}, start + seconds(6)).rest).toBe(tokens(50));
    // Who comes back later with more than that has nothing.
    expect(ask('a', 2, { unspent: tokens(60), leave: true }, start + seconds(6)).rest).toBe(tokens(50));
  });

  test('an ask that is repeated is granted what it was, and nothing more is taken', () => {
    const { ask, bucket } = fixture();
    ask('a', 1, { want: tokens(10) });
    ask('a', 2, { unspent: tokens(4), want: tokens(20) });
    const again = ask('a', 2, { unspent: tokens(3), want: tokens(20) }, start + seconds(2));
    expect(again.granted).toBe(tokens(20));
    expect(bucket()!.out).toEqual([
      { holder: 'a', units: tokens(23), until: start + seconds(7), seq: 2, granted: tokens(20) },
    ]);
  });

  test('an ask that comes after a later one changes nothing', () => {
    const { ask, bucket } = fixture();
    ask('a', 5, { want: tokens(10) });
    const before = structuredClone(bucket());
    expect(ask('a', 4, { want: tokens(10) }).granted).toBe(0);
    expect(ask('a', 4, { leave: true }).granted).toBe(0);
    expect(bucket()).toEqual(before);
  });

  test('an ask for a shorter time does not end sooner what is held: its answer may be lost', () => {
    const { ask, bucket } = fixture();
    ask('a', 1, { want: tokens(10), ttlMs: 5000 });
    ask('a', 2, { unspent: tokens(10), ttlMs: 20 });
    expect(bucket()!.out[0]!.until).toBe(start + seconds(5));
  });

  test('a report never adds to what is out', () => {
    const { ask, bucket } = fixture();
    ask('a', 1, { want: tokens(10) });
    ask('a', 2, { unspent: tokens(50) });
    expect(bucket()!.out[0]!.units).toBe(tokens(10));
    ask('a', 3, { unspent: tokens(50), leave: true });
    expect(bucket()).toBeUndefined();
  });

  test('one that starts again has another name, and begins at 1', () => {
    const { ask } = fixture();
    ask('a:1', 7, { want: tokens(10) });
    expect(ask('a:2', 1, { want: tokens(10) })).toMatchObject({ granted: tokens(10), rest: tokens(80) });
  });

  test('another shape keeps the ratio of level and of what is out, without minting', () => {
    const { ask, model, bucket } = fixture();
    ask('a', 1, { want: tokens(50) });
    model.take([{ bucket: 'x', shape }], 20, start);
    const seven: BucketShape = {
      maxUnits: 7,
      refillUnits: 1,
      tokenUnits: 1,
      tickMicros: 1000,
      burstUnits: 0,
    };
    model.take([{ bucket: 'x', shape: seven }], 0, start);
    // 30 of 100 are 2.1 of 7, and 50 are 3.5.
    expect(bucket()).toMatchObject({ level: 2, out: [{ units: 4, granted: 3 }] });
  });

  test('a clock that goes back neither refills nor ends anything', () => {
    const { ask, bucket } = fixture();
    ask('a', 1, { want: tokens(50), ttlMs: 1000 });
    ask('b', 1, { want: tokens(50) });
    ask('b', 2, {}, start - seconds(100));
    expect(bucket()).toMatchObject({ level: 0, out: [{ units: tokens(50), until: start + seconds(1) }] });
  });

  test('it is kept until it is full and nothing is out', () => {
    const { ask, bucket } = fixture();
    ask('a', 1, { want: tokens(30), ttlMs: 5000 });
    // Five seconds out, three to refill, and a margin of one.
    expect(keepMs(bucket()!, start)).toBe(9001);
  });
});
