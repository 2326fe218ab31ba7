import type { QuotaAnswer, QuotaAsk } from './quota-lease-port.ts';

/** A quota's period as all instances share it: what Redis keeps, as a model. */
export interface SharedQuota {
  /** Reported. */
  used: number;
  /** Milliseconds: when somebody last reported that something was used. */
  usedAtMs: number;
  out: Map<string, HeldQuota>;
  /** Sums of ledgers by name. */
  ledgers: Map<string, number>;
}

/** What an instance holds: given out, and not reported as used. */
export interface HeldQuota {
  units: number;
  seq: number;
  granted: number;
  atMs: number;
}

/** A grant is at most this part of a quota, divided by the instances. With half of the one before it is what a death may strand. */
export const HELD_PART = 50;
/** Nothing was used for so long: all that was used before is in the ledgers of those that live. */
export const QUIET_MS = 60_000;
/** An instance that holds nothing is forgotten after this long: it then asks as if the record were new to it. */
export const FORGET_MS = 6 * 3_600_000;

/**
 * Answers one ask and changes `quota` (null: there is no record yet). `used` and what is out together never fall but by refunds, and never grow by a
 * grant beyond the limit: so no schedule of lost answers, repeats and deaths lets more through than the limit while the record lasts.
 *
 * A grant is at most 1 / (2 × instances) of what is left, and `least` near the end, so that several can use the last unit.
 */
export function answerQuotaAsk(
  quota: SharedQuota | null,
  ask: QuotaAsk,
  nowMs: number,
): { quota: SharedQuota; answer: QuotaAnswer } {
  const shared = quota ?? {
    ...{ used: 0, usedAtMs: nowMs },
    ...{ out: new Map<string, HeldQuota>(), ledgers: new Map<string, number>() },
  };
  const { out } = shared;
  const mine = out.get(ask.instance);
  const elsewhere = () => sumOf(out, (_, name) => name !== ask.instance);
  if (mine?.seq === ask.seq) return { quota: shared, answer: answerOf(shared, mine.granted, elsewhere()) };

  const { ledgers } = shared;
  ledgers.set(ask.ledger, Math.max(ledgers.get(ask.ledger) ?? 0, ask.ledgerSum));
  const inLedgers = [...ledgers.values()].reduce((sum, each) => sum + each, 0);
  // Else the record was lost, or is an old one that was put back, or is new to who asks.
  if (mine?.seq === ask.after) {
    shared.used = Math.max(0, shared.used + ask.spent);
    // What is out may be in a ledger already.
    shared.used = Math.max(shared.used, inLedgers - elsewhere() - ask.unspent);
  } else {
    // Nobody else knew of what it did not report yet; rather counted twice, with the ledger, than not at all.
    const spent = Math.max(0, ask.spent);
    shared.used = Math.max(shared.used + spent, ask.known, inLedgers + spent);
    for (const [name, held] of out) if (held.units === 0 && nowMs - held.atMs > FORGET_MS) out.delete(name);
  }
  if (ask.spent !== 0) shared.usedAtMs = nowMs;

  let granted = grantOf(shared, ask, elsewhere());
  if (granted === 0 && ask.want > 0 && nowMs - shared.usedAtMs >= QUIET_MS && inLedgers >= shared.used) {
    takeBack(shared, ask, inLedgers);
    granted = grantOf(shared, ask, elsewhere());
  }
  out.set(ask.instance, { units: ask.unspent + granted, seq: ask.seq, granted, atMs: nowMs });
  return { quota: shared, answer: answerOf(shared, granted, elsewhere()) };
}

function grantOf({ used }: SharedQuota, ask: QuotaAsk, elsewhere: number): number {
  const left = ask.limit - used - elsewhere - ask.unspent;
  const share = Math.max(ask.least, Math.floor(left / (2 * ask.instances)));
  const granted = Math.min(ask.want, left, share);
  return granted < ask.least ? 0 : granted;
}

/** Earlier processes of the instance that asks died with some of it, and their journals are in its ledger now: that says what they used. */
function takeBack(shared: SharedQuota, { instance }: QuotaAsk, inLedgers: number): void {
  const home = instance.slice(0, instance.lastIndexOf('/') + 1);
  const isDead = (_: HeldQuota, name: string) => name !== instance && name.startsWith(home);
  const held = sumOf(shared.out, isDead);
  shared.used += Math.min(held, inLedgers - shared.used);
  for (const [name, each] of shared.out) if (isDead(each, name)) shared.out.delete(name);
}

function sumOf(out: SharedQuota['out'], which: (held: HeldQuota, name: string) => boolean): number {
  let sum = 0;
  for (const [name, held] of out) if (which(held, name)) sum += held.units;
  return sum;
}

function answerOf({ used }: SharedQuota, granted: number, elsewhere: number): QuotaAnswer {
  return { granted, used, elsewhere };
}
