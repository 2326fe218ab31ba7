import assert from 'node:assert/strict';
import type { BucketShape, LeaseAsk } from '../index.ts';
import { SharedModel } from './shared-model.ts';

interface Holder {
  name: string;
  units: number;
  end: number;
  seq: number;
  lost: LeaseAsk | null;
}

/** Holders that ask, spend, lose answers, end and start again, and the oracle that counts what callers spent. */
export class LeaseSchedule {
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

  ask(i: number, want: number, least: number, ttlMs: number, leave: boolean, fate: string): void {
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
            least: leave ? 0 : Math.min(want, least) * shape.tokenUnits,
            ttlMs,
            leave,
          };
    this.sent.push([me.name, ask]);
    const answer = fate === 'request lost' ? null : this.model.ask(me.name, ask, this.now);
    if (leave) Object.assign(me, { units: 0, end: 0, lost: null });
    else if (fate !== 'heard' || answer === null) me.lost = ask;
    else {
      assert.equal(answer.granted % shape.tokenUnits, 0);
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
    assert.ok(
      BigInt(bucket?.level ?? 0) + out <= BigInt(this.shape.maxUnits),
      'level and out pass the maximum',
    );
    // What a holder can still spend is out.
    for (const { name, units, end } of this.holders) {
      if (this.now >= end) continue;
      const known = bucket?.out.find((one) => one.holder === name && one.until > this.now);
      assert.ok((known?.units ?? 0) >= units, `${name} can spend more than is out`);
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
        assert.ok(sum * BigInt(tickMicros) <= bound, `${sum} units spent in ${micros} µs`);
      }
    }
  }

  /** After all that is out has ended, and one refill. */
  expectNothingLost(): void {
    const { maxUnits, refillUnits, tickMicros } = this.shape;
    this.now += 5_000_000 + (Math.ceil(maxUnits / refillUnits) + 1) * tickMicros;
    assert.equal(this.take(0), maxUnits);
  }
}
