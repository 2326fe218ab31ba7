import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BucketShape, LeaseAsk } from './index.ts';
import { long } from './testing/fixture.ts';
import { SharedModel } from './testing/shared-model.ts';
import { bucketShape } from './token-bucket.ts';

const numRuns = long ? 20_000 : 600;

const shapes = fc.oneof(
  fc.constantFrom<BucketShape>(
    { maxUnits: 2 ** 52, refillUnits: 1, tokenUnits: 2 ** 48, tickMicros: 1000, burstUnits: 0 },
    { maxUnits: 7, refillUnits: 3, tokenUnits: 1, tickMicros: 10, burstUnits: 3 },
    { maxUnits: 20, refillUnits: 1, tokenUnits: 3, tickMicros: 1, burstUnits: 0 },
  ),
  fc
    .record({
      requests: fc.integer({ min: 1, max: 200 }),
      periodMs: fc.constantFrom(1, 1000, 60_000),
      burst: fc.integer({ min: 0, max: 20 }),
    })
    .map((rule) => bucketShape(rule)!),
);

const holder = fc.nat(2);
const count = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 300 }));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      permille: fc.integer({ min: 0, max: 500 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      ...{
        holder,
        count,
        ttlMs: fc.constantFrom(1, 20, 500, 5000),
        leave: fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
      },
      fate: fc.constantFrom('heard', 'heard', 'heard', 'request lost', 'answer lost'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('spend' as const), holder, count }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), count }) },
  /** An ask of before arrives once more, or for the first time. */
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('late' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), holder }) },
);

interface Holder {
  name: string;
  units: number;
  end: number;
  seq: number;
  lost: LeaseAsk | null;
}

/** Holders that ask, spend, lose answers, end and start again, and the oracle that counts what callers spent. */
class Schedule {
  readonly model = new SharedModel();
  readonly shape: BucketShape;
  now = 1_700_000_000_000_000;
  private runs = 0;
  private readonly holders: Holder[] = [0, 1, 2].map((i) => this.newHolder(i));
  private readonly sent: [holder: string, ask: LeaseAsk][] = [];
  private readonly spent: { at: number; units: number }[] = [];

  constructor(shape: BucketShape) {
    this.shape = shape;
  }

  private newHolder(i: number): Holder {
    this.runs += 1;
    return { name: `${i}:${this.runs}`, units: 0, end: 0, seq: 0, lost: null };
  }

  ask(i: number, want: number, ttlMs: number, leave: boolean, fate: string): void {
    const me = this.holders[i]!;
    const unspent = this.now < me.end ? me.units : 0;
    const { shape } = this;
    const ask: LeaseAsk =
      me.lost !== null && !leave
        ? { ...me.lost, unspent }
        : {
            bucket: 'x',
            shape,
            seq: ++me.seq,
            unspent,
            want: leave ? 0 : want * shape.tokenUnits,
            ttlMs,
            leave,
          };
    this.sent.push([me.name, ask]);
    const answer = fate === 'request lost' ? null : this.model.ask(me.name, ask, this.now);
    if (leave) Object.assign(me, { units: 0, end: 0, lost: null });
    else if (fate !== 'heard' || answer === null) me.lost = ask;
    else {
      expect(answer.granted % shape.tokenUnits).toBe(0);
      Object.assign(me, { units: unspent + answer.granted, end: this.now + ask.ttlMs * 1000, lost: null });
    }
  }

  late(back: number): void {
    const ask = this.sent.at(-1 - back);
    if (ask !== undefined) this.model.ask(...ask, this.now);
  }

  restart(i: number): void {
    this.holders[i] = this.newHolder(i);
  }

  spend(i: number, tokens: number): void {
    const me = this.holders[i]!;
    const units = Math.min(tokens * this.shape.tokenUnits, me.units);
    if (this.now >= me.end || units === 0) return;
    me.units -= units;
    this.spent.push({ at: this.now, units });
  }

  take(tokens: number): number {
    const reading = this.model.take([{ bucket: 'x', shape: this.shape }], tokens, this.now);
    if (reading.refused === 0) this.spent.push({ at: this.now, units: tokens * this.shape.tokenUnits });
    return reading.before[0]!;
  }

  unitsSpent(): number {
    return this.spent.reduce((sum, { units }) => sum + units, 0);
  }

  expectWithin(): void {
    const bucket = this.model.buckets.get('x');
    const out = bucket?.out.reduce((sum, { units }) => sum + BigInt(units), 0n) ?? 0n;
    expect(BigInt(bucket?.level ?? 0) + out).toBeLessThanOrEqual(BigInt(this.shape.maxUnits));
    // What a holder can still spend is out.
    for (const { name, units, end } of this.holders) {
      if (this.now >= end) continue;
      const known = bucket?.out.find((one) => one.holder === name && one.until > this.now);
      expect(known?.units ?? 0).toBeGreaterThanOrEqual(units);
    }
  }

  /** Over any window. */
  expectBound(): void {
    const { maxUnits, refillUnits, tickMicros } = this.shape;
    for (let from = 0; from < this.spent.length; from++) {
      let sum = 0n;
      for (const { at, units } of this.spent.slice(from)) {
        sum += BigInt(units);
        // A window may hold the end of one tick more than its length says.
        const micros = at - this.spent[from]!.at + (tickMicros - 1);
        const bound = BigInt(maxUnits) * BigInt(tickMicros) + BigInt(micros) * BigInt(refillUnits);
        expect(sum * BigInt(tickMicros)).toBeLessThanOrEqual(bound);
      }
    }
  }

  /** After all that is out has ended, and one refill. */
  expectNothingLost(): void {
    const { maxUnits, refillUnits, tickMicros } = this.shape;
    this.now += 5_000_000 + (Math.ceil(maxUnits / refillUnits) + 1) * tickMicros;
    expect(this.take(0)).toBe(maxUnits);
  }
}

test('whatever is asked, lost, repeated, late and ended: no window passes the bound, and nothing is lost for good', () => {
  fc.assert(
    fc.property(shapes, fc.array(step, { minLength: 1, maxLength: 60 }), (shape, steps) => {
      const schedule = new Schedule(shape);
      const fullMicros = (shape.maxUnits / shape.refillUnits) * shape.tickMicros;
      for (const one of steps) {
        if (one.kind === 'wait')
          schedule.now += Math.floor((one.permille / 1000) * Math.min(fullMicros, 8_000_000));
        else if (one.kind === 'ask') schedule.ask(one.holder, one.count, one.ttlMs, one.leave, one.fate);
        else if (one.kind === 'spend') schedule.spend(one.holder, one.count);
        else if (one.kind === 'take') schedule.take(one.count);
        else if (one.kind === 'late') schedule.late(one.back);
        else schedule.restart(one.holder);
        schedule.expectWithin();
      }
      schedule.expectBound();
      schedule.expectNothingLost();
    }),
    { numRuns },
  );
});

test('a store that lost its data adds one capacity, and no more', () => {
  fc.assert(
    fc.property(shapes, fc.array(step, { minLength: 1, maxLength: 40 }), (shape, steps) => {
      const schedule = new Schedule(shape);
      const run = (): void => {
        for (const one of steps) {
          if (one.kind === 'ask') schedule.ask(one.holder, one.count, 5000, one.leave, 'heard');
          else if (one.kind === 'spend') schedule.spend(one.holder, one.count);
          else if (one.kind === 'take') schedule.take(one.count);
        }
      };
      run();
      schedule.model.buckets.clear();
      run();
      expect(schedule.unitsSpent()).toBeLessThanOrEqual(2 * shape.maxUnits);
    }),
    { numRuns: numRuns / 4 },
  );
});
