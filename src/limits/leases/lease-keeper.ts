import { bucketKey } from './bucket-key.ts';
import { createBusyGuard } from '../busy-guard.ts';
import { type Lease, leastOf, wholeTokens } from './held-lease.ts';
import type { BucketNeed } from './lease-need.ts';
import type { LeaseAnswer, LeaseAsk, LeaseStore } from './lease-port.ts';
import { createLeaseSize } from './lease-size.ts';
import type { LeaseTable } from './lease-table.ts';
import { createRetryWheel } from './retry-wheel.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';

/** Main's part in leases: asks for them, renews them, gives them back. */
export interface LeaseKeeper {
  /** `done` once there is a lease, or none is to be had now. Asks of one turn go out together. */
  need(need: BucketNeed, done: () => void): void;
  /** To be called every 20 ms or so: dry buckets that are wanted are asked for again, leases renewed or given back. */
  tick(): void;
  /** Gives all back; resolves when the store has answered. Nothing is asked for any more. */
  leave(): Promise<void>;
  /** Buckets of which something is held or asked for. */
  readonly size: number;
}

export interface LeaseKeeperOptions {
  store: LeaseStore;
  table: LeaseTable;
  /** Of a rule's version; undefined if it is gone. */
  shapeOf(version: number): BucketShape | undefined;
  /** Sharing the buckets, this one included. */
  instances(): number;
  /** Nothing is asked for while it is. */
  away(): boolean;
  nowMicros(): number;
  /** How long a lease holds. */
  ttlMs: number;
  /** Held at once; default 131,072. */
  leasesMax?: number;
}

/** An ask on its way, and who waits for its answer; without a lease it gives one back. */
interface Asked {
  lease: Lease | null;
  ask: LeaseAsk;
  waiters: (() => void)[];
}

/** One script call has so many asks at most: Redis does nothing else meanwhile. */
const ASKS_MAX = 128;
const RETRY_MIN_MICROS = 10_000;
const RETRY_MAX_MICROS = 1_000_000;
/** A lease that nobody used for so long goes back. */
const IDLE_MICROS = 3_000_000;
/** The part of its time after which a lease is renewed. */
const RENEW_AFTER = 0.4;
/** By this part a lease ends earlier here than in the store: clocks do not run alike. */
const MARGIN = 0.02;
/** All leases are looked at once in so many ticks, */
const TICKS_A_ROUND = 25;
/** but so many a tick at most, and as many dry ones whose time has come: main has more to do. */
const LOOKS_MAX = 1000;
/** A flood of callers may not fill memory: buckets beyond go by the share. */
const LEASES_MAX = 131_072;

export function createLeaseKeeper(options: LeaseKeeperOptions): LeaseKeeper {
  const { store, table, nowMicros, ttlMs, leasesMax = LEASES_MAX } = options;
  const ttlMicros = ttlMs * 1000;
  const leases = new Map<string, Lease>();
  const retries = createRetryWheel<Lease>();
  const unlessBusy = createBusyGuard();
  let round: Iterator<Lease> = leases.values();
  const asking: Lease[] = [];
  const leaving: LeaseAsk[] = [];
  let left = false;
  /** Of all leases: a number that comes again says that the answer to it was lost. */
  let seq = 0;
  const sent = new Set<Promise<void>>();

  function leaseOf(need: BucketNeed): Lease | undefined {
    const bucket = bucketKey(need.owner, need.scope);
    const known = leases.get(bucket);
    if (known?.need.version === need.version) return known;
    if (known === undefined && leases.size >= leasesMax) return undefined;
    const shape = options.shapeOf(need.version);
    if (shape === undefined) return undefined;
    if (known !== undefined) giveBack(known);
    const lease: Lease = {
      ...{ need, bucket, shape, size: createLeaseSize(shape) },
      ...{ waiters: [], asking: false, replaced: false, lost: null },
      ...{ cost: 0, least: Number.POSITIVE_INFINITY, usual: 0 },
      ...{ dry: false, retryAt: 0, dryUntil: 0, renewAt: 0, units: -1, usedAt: nowMicros() },
    };
    leases.set(bucket, lease);
    return lease;
  }

  function ask(lease: Lease): void {
    if (lease.asking) return;
    if (left) return unasked(lease);
    lease.asking = true;
    asking.push(lease);
    sendSoon();
  }

  function sendSoon(): void {
    if (asking.length + leaving.length === 1) setImmediate(sendAll);
  }

  /** Who waits goes by what there is. */
  function unasked(lease: Lease): void {
    lease.asking = false;
    for (const done of lease.waiters.splice(0)) done();
  }

  /** What goes back goes first: its bucket may be asked for again in the same turn. */
  function sendAll(): void {
    const now = nowMicros();
    const asks = leaving.splice(0).map((one): Asked => ({ lease: null, ask: one, waiters: [] }));
    for (const lease of asking.splice(0)) {
      const units = unlessBusy(() => table.account(lease.need, now), null);
      if (units === null) {
        unasked(lease);
        continue;
      }
      let unspent = Math.max(0, wholeTokens(lease, units));
      const owed = Math.max(0, -units);
      // No use to any who ask: two instances that each keep what they have would both wait for more for ever.
      if (unspent > 0 && unspent < leastOf(lease) && lease.lost === null) {
        const rest = unlessBusy(() => table.reclaim(lease.need, now), null);
        if (rest !== null) {
          asks.push({ lease: null, ask: leaveOf(lease, rest), waiters: [] });
          unspent = 0;
        }
      }
      asks.push({ lease, ask: askOf(lease, { unspent, owed }, now), waiters: lease.waiters.splice(0) });
    }
    for (let from = 0; from < asks.length; from += ASKS_MAX) {
      const sending: Promise<void> = send(asks.slice(from, from + ASKS_MAX), now).finally(() =>
        sent.delete(sending),
      );
      sent.add(sending);
    }
  }

  async function send(asks: readonly Asked[], at: number): Promise<void> {
    const answers = options.away() ? [] : await store.ask(asks.map((one) => one.ask));
    for (const [k, asked] of asks.entries()) heard(asked, answers[k] ?? null, at);
  }

  function askOf(lease: Lease, { unspent, owed }: { unspent: number; owed: number }, now: number): LeaseAsk {
    if (lease.lost !== null) return { ...lease.lost, unspent };
    seq += 1;
    lease.usual = lease.size.next(now, options.instances());
    const { tokenUnits } = lease.shape;
    const target = Math.max(lease.cost * tokenUnits, lease.usual) + Math.ceil(owed / tokenUnits) * tokenUnits;
    // Debts are paid by whatever there is.
    const least = owed > 0 ? 0 : Math.max(0, leastOf(lease) - unspent);
    lease.cost = 0;
    lease.least = Number.POSITIVE_INFINITY;
    return {
      ...{ bucket: lease.bucket, shape: lease.shape, seq, unspent, ttlMs, leave: false },
      ...{ want: Math.max(0, target - unspent), least },
    };
  }

  function leaveOf(lease: Lease, units: number): LeaseAsk {
    const unspent = wholeTokens(lease, units);
    const { bucket, shape } = lease;
    return { bucket, shape, seq: ++seq, unspent, want: 0, least: 0, ttlMs, leave: true };
  }

  function heard({ lease, ask: asked, waiters }: Asked, found: LeaseAnswer | null, askedAt: number): void {
    if (lease === null) return;
    lease.asking = false;
    // Came after all have turned to their shares: it would take a share's place.
    const answer = options.away() ? null : found;
    lease.lost = answer === null ? asked : null;
    if (answer === null) unlessBusy(() => table.unanswered(lease.need), undefined);
    else if (!lease.replaced) granted(lease, asked, answer, askedAt);
    for (const done of waiters) done();
    // Those that came meanwhile were not asked for.
    if (lease.waiters.length > 0) ask(lease);
  }

  function granted(lease: Lease, ask: LeaseAsk, answer: LeaseAnswer, askedAt: number): void {
    const now = nowMicros();
    const waitMicros = Math.max(RETRY_MIN_MICROS, answer.waitMs * 1000);
    const isAll = answer.granted >= ask.want;
    // What is more than a lease ever has is not asked for ahead: the call may come to another instance.
    lease.dry = !isAll && ask.least <= lease.usual;
    // What others hold may come back sooner.
    lease.retryAt = now + Math.min(RETRY_MAX_MICROS, waitMicros);
    lease.renewAt = askedAt + ttlMicros * RENEW_AFTER;
    lease.dryUntil = isAll ? 0 : now + waitMicros;
    if (lease.dry) retries.put(lease, lease.retryAt);
    const grant = {
      units: answer.granted,
      ...{ askedMicros: askedAt, untilMicros: askedAt + ttlMicros * (1 - MARGIN) },
      rest: answer.rest,
      dryUntilMicros: lease.dryUntil,
      // A dry one is asked for again by the clock.
      low: isAll ? (ask.unspent + answer.granted) / 2 : 0,
    };
    unlessBusy(() => table.grant(lease.need, grant, now), undefined);
    // A grant is no use of it.
    lease.units = unlessBusy(() => table.read(lease.need, now).units, lease.units);
  }

  function lookAt(lease: Lease, now: number): void {
    if (lease.asking) return;
    const reading = unlessBusy(() => table.read(lease.need, now), null);
    if (reading === null) return;
    if (reading.units !== lease.units || reading.wanted) {
      lease.units = reading.units;
      lease.usedAt = now;
    }
    if (lease.dry && now >= lease.retryAt) {
      if (reading.wanted) return ask(lease);
      // After it a call asks by itself.
      if (now < lease.dryUntil) retries.put(lease, now + RETRY_MAX_MICROS);
    }
    if (now - lease.usedAt > IDLE_MICROS) giveBack(lease);
    else if (reading.units > 0 && now >= lease.renewAt) ask(lease);
  }

  function giveBack(lease: Lease): void {
    const units = unlessBusy(() => table.reclaim(lease.need, nowMicros()), -1);
    if (units < 0) return;
    lease.replaced = true;
    lease.dry = false;
    if (leases.get(lease.bucket) === lease) leases.delete(lease.bucket);
    // Also what is nothing: the room that it took up is free at once.
    leaving.push(leaveOf(lease, units));
    sendSoon();
  }

  return {
    need(need, done) {
      const lease = left ? undefined : leaseOf(need);
      if (lease === undefined) {
        unlessBusy(() => table.forgive(need), undefined);
        return done();
      }
      lease.cost += need.cost;
      lease.least = Math.min(lease.least, need.least);
      lease.waiters.push(done);
      ask(lease);
    },
    tick() {
      if (left || options.away()) return;
      const now = nowMicros();
      for (const lease of retries.due(now, LOOKS_MAX)) if (lease.dry) lookAt(lease, now);
      for (let some = Math.min(LOOKS_MAX, Math.ceil(leases.size / TICKS_A_ROUND)); some > 0; some--) {
        const next = round.next();
        if (next.done) {
          round = leases.values();
          break;
        }
        lookAt(next.value, now);
      }
    },
    async leave() {
      left = true;
      for (const lease of asking.splice(0)) unasked(lease);
      await Promise.all(sent);
      for (const lease of leases.values()) giveBack(lease);
      if (leaving.length > 0) sendAll();
      await Promise.all(sent);
    },
    get size() {
      return leases.size;
    },
  };
}
