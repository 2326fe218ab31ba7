import {
  bucketKey,
  type Buckets,
  Chain,
  type ExactReading,
  type ExactStore,
  outcomes,
  sharedOwner,
} from '../../limits/index.ts';
import type { Call } from '../call.ts';
import { addLink, loadChain } from '../limit/limit-chain.ts';
import { type QuotaLinks, readQuotas } from '../limit/limit-quotas.ts';
import { refuseByLimit, refuseByQuota } from '../limit/limit-refusal.ts';
import type { ExactPart } from './exact-part.ts';
import type { LeaseWait } from './lease-wait.ts';
import { MixedReading } from './mixed-reading.ts';
import { callerOwner } from './need-of.ts';
import type { Parked, Parking } from './parking.ts';
import type { RefusedBuckets } from './refused-buckets.ts';
import { type SharingCounters, type Verdict, verdicts } from './verdict.ts';

/** Decides calls some of whose buckets are decided where they stand: the others are taken from first, and given back if these refuse. */
export interface ExactLimit {
  /** @param share null: what is not at hand is waited for; else the share decides it, of these links at least */
  decide(call: Call, part: ExactPart, parked: Parked | null, share: number | null, now: number): Verdict;
}

/** A call on its way to where its exact buckets stand. */
interface Asking {
  readonly call: Call;
  readonly part: ExactPart;
  readonly reading: MixedReading;
  /** Of its exact buckets. */
  readonly names: readonly string[];
  /** When the leased ones were taken from; and bits, in that chain, of those that were not. */
  readonly takenAt: number;
  readonly untouched: number;
  /** Bits of the leased links of its plan that the share decided. */
  readonly share: number;
}

export function createExactLimit(options: {
  buckets: Buckets;
  store: ExactStore;
  quotas: QuotaLinks;
  parking: Parking;
  refused: RefusedBuckets;
  leases: Pick<LeaseWait, 'wait' | 'askMore'>;
  /** A call that waited for an answer has one: `conclude` decides it. */
  woken: (parked: Parked, conclude: () => Verdict) => void;
  counters: Pick<SharingCounters, 'exact' | 'byShare'>;
  instances: () => number;
  /** Monotonic microseconds. */
  now: () => number;
}): ExactLimit {
  const { buckets, store, quotas, parking, refused, leases, counters, now } = options;
  const chain = new Chain();

  /** A refusal that follows from an earlier one; null: none does. */
  function lacking(
    call: Call,
    { exact }: ExactPart,
    names: readonly string[],
    at: number,
  ): MixedReading | null {
    let reading: MixedReading | null = null;
    for (const [index, { link, shape, at: place }] of exact.entries()) {
      const found = refused.lacking(names[index]!, link.rule.version, shape, call.cost, at);
      if (found === null) continue;
      reading ??= new MixedReading(call.plan!);
      reading.addLacking(place, found.before, found.retryAfterMs);
    }
    return reading;
  }

  function remember({ part, names }: Asking, found: ExactReading, askedAt: number): void {
    for (const [index, { link }] of part.exact.entries()) {
      if (((found.refused >> index) & 1) === 0) continue;
      refused.add(names[index]!, { units: found.before[index]!, version: link.rule.version, askedAt });
    }
  }

  function note(call: Call, reading: MixedReading, part: ExactPart, share: number): void {
    call.sharing = {
      instances: options.instances(),
      exact: part.exactBits & ~share,
      share,
      unasked: reading.unasked,
    };
  }

  function refuse(call: Call, reading: MixedReading): Verdict {
    const failing = 31 - Math.clz32(reading.refused & -reading.refused);
    call.outcome = outcomes.exceeded;
    call.reading = reading;
    if (call.plan!.rule !== null) call.remaining = reading.before[0]!;
    const { retryAfterMs, depleted } = reading;
    refuseByLimit(call, { failing, before: reading.before[failing]!, retryAfterMs, depleted });
    return verdicts.ended;
  }

  function decide(
    call: Call,
    part: ExactPart,
    parked: Parked | null,
    share: number | null,
    at: number,
  ): Verdict {
    const { context, plan } = call;
    const owner = (context.caller.sharedOwner ??= sharedOwner(callerOwner(context)));
    const names = part.exact.map(({ scope }) => bucketKey(owner, scope));
    const known = share === null ? lacking(call, part, names, at) : null;
    if (known !== null) {
      counters.exact('remembered');
      note(call, known, part, 0);
      return refuse(call, known);
    }
    const reading = new MixedReading(plan!);
    loadChain(chain, call, part.leased, quotas);
    chain.sharing = share !== null;
    if (chain.links > 0 || chain.quotas > 0) {
      buckets.take(chain, at);
      if (chain.outcome === outcomes.cold) {
        const cold = part.leasedBits(chain.cold);
        const holder = leases.wait(call, parked, chain, part.leased);
        if (holder === null) return decide(call, part, parked, cold, at);
        holder.cold = cold;
        return verdicts.cold;
      }
      leases.askMore(chain, context, part.leased, plan!.shadows);
      reading.addLeased(chain, part);
      readQuotas(chain, call);
      if (chain.outcome >= outcomes.exceeded) return refuseLeased(call, part, reading, share ?? 0);
      call.charged = chain.quotas > 0;
    }
    const untouched = chain.links > 0 ? chain.shadowRefused | chain.cold : 0;
    const asking = { call, part, reading, names, takenAt: at, untouched, share: share ?? 0 };
    const holder = share === null ? (parked ?? parking.hold(call)) : null;
    if (holder === null) return conclude(asking, null, at);
    ask(asking, holder);
    return verdicts.asking;
  }

  /** By the chain, which nothing was taken from. */
  function refuseLeased(call: Call, part: ExactPart, reading: MixedReading, share: number): Verdict {
    note(call, reading, part, share & ~part.exactBits);
    if (chain.outcome === outcomes.exceeded) return refuse(call, reading);
    call.outcome = chain.outcome;
    call.reading = reading;
    refuseByQuota(call, chain);
    return verdicts.ended;
  }

  function ask(asking: Asking, holder: Parked): void {
    const { call, part, names } = asking;
    const askedAt = now();
    const asked = part.exact.map(({ shape }, index) => ({ bucket: names[index]!, shape }));
    void store.take(asked, call.cost).then((found) => {
      if (found === null) counters.exact('unanswered');
      else counters.exact(found.refused === 0 ? 'taken' : 'refused');
      options.woken(holder, () => conclude(asking, found, askedAt));
    });
  }

  function conclude(asking: Asking, found: ExactReading | null, askedAt: number): Verdict {
    const { call, part, reading, share } = asking;
    if (found === null) takeShare(asking);
    else reading.addExact(found, part, call.cost);
    note(call, reading, part, found === null ? share | part.exactBits : share);
    if (reading.refused === 0) return pass(call, reading);
    if (found !== null) remember(asking, found, askedAt);
    giveBack(asking);
    return refuse(call, reading);
  }

  function takeShare({ call, part, reading }: Asking): void {
    counters.byShare();
    chain.reset(call.cost);
    for (const { link } of part.exact) addLink(chain, link, call.context, false);
    chain.sharing = true;
    chain.owes = false;
    buckets.take(chain, now());
    chain.owes = true;
    reading.addShare(chain, part);
  }

  /** What the leased ones gave. What the quotas hold goes back as with any refusal. */
  function giveBack({ call, part, reading, untouched, takenAt }: Asking): void {
    const { context, plan, quota, userQuota } = call;
    chain.reset(call.cost);
    for (const link of part.leased) addLink(chain, link, context, false);
    for (const [index, link] of plan!.shadows.entries())
      if (((untouched >> (part.leased.length + index)) & 1) === 0) addLink(chain, link, context, true);
    if (chain.links > 0) buckets.giveBack(chain, takenAt, now());
    reading.undo();
    if (quota !== null) quota.used -= quota.cost;
    if (userQuota !== null) userQuota.used -= userQuota.cost;
  }

  function pass(call: Call, reading: MixedReading): Verdict {
    call.outcome = reading.bursting === 0 ? outcomes.allowed : outcomes.burst;
    if (call.plan!.rule !== null) call.remaining = reading.after[0]!;
    if (call.sampled !== 0 || reading.shadowRefused !== 0) call.reading = reading;
    return verdicts.passed;
  }

  return { decide };
}
