import type { EventTypeName, PolicySnapshot } from '../config/index.ts';
import { outcomes } from '../limits/index.ts';
import type { Call } from './call.ts';
import type { QuotaReading } from './decisions/decision-source.ts';
import type { EventCharge } from './limit/side-takes.ts';
import type { Caller } from './caller.ts';

/** What happened to one caller since the last beat, as main is told. */
export interface WorkerEvent {
  type: EventTypeName;
  /** null: a caller without a key, or all those without one that were too many to be told apart (`address` is `*`). */
  key: { number: number; id: string; prefix: string } | null;
  address: string;
  count: number;
  /** Epoch milliseconds of the first. */
  atMs: number;
  /** Of the first, without how often. */
  data: Record<string, unknown>;
}

/** Where calls' ends are looked at for events. Nothing is sent before {@link EventFold.tick}. */
export interface EventFold {
  apply(snapshot: PolicySnapshot): void;
  refused(call: Call): void;
  /** A call that was answered and took from its burst, or that counted for a quota. */
  answered(call: Call): void;
  /** An event of a subscription that counted for a quota, or that one refused. */
  charged(charge: EventCharge): void;
  tick(): void;
}

/** Addresses of one type that are told apart between two beats. */
const ADDRESSES_MAX = 500;
/** Keys of one type between two beats; at so many main is told at once. No address takes their room, and none of them is told as `*`. */
const KEYS_MAX = 10_000;
/** Keys whose warnings are remembered; then all are forgotten, and told of again. */
const WARNED_MAX = 100_000;
const METHOD_MAX = 100;
const everybody = '*';

interface Folded {
  keys: Map<number, WorkerEvent>;
  addresses: Map<string, WorkerEvent>;
}

const emptyFold = (): Folded => ({ keys: new Map(), addresses: new Map() });

/** A call, or an event of a subscription. */
type Subject = Pick<Call, 'context' | 'quota' | 'userQuota'>;

/**
 * A refusal costs one look into a map and an addition (20 to 50 ns), whatever their number; the data is made of the first of a caller only. A
 * caller without anything of the kind pays a comparison.
 */
export function createEventFold(parts: {
  snapshot: PolicySnapshot;
  tell(events: WorkerEvent[]): void;
  epochMs(): number;
}): EventFold {
  const folds = {
    exceeded: emptyFold(),
    depleted: emptyFold(),
    burst: emptyFold(),
    blocked: emptyFold(),
    quota: emptyFold(),
  };
  const all = Object.values(folds);
  const warned = new Map<number, { resetsAtMs: number; limit: number; percent: number }>();
  let warnings: WorkerEvent[] = [];
  let wanted = wantedOf(parts.snapshot);
  let ofAnonymous = new Set(parts.snapshot.events.ofAnonymous);

  function add<T extends Subject>(
    fold: Folded,
    type: EventTypeName,
    of: T,
    dataOf: (of: T) => object | null,
  ): void {
    const { caller } = of.context;
    const { keyNumber, address } = caller;
    if (keyNumber < 0 && !ofAnonymous.has(type)) return;
    const known = keyNumber >= 0 ? fold.keys.get(keyNumber) : fold.addresses.get(address);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (keyNumber < 0 && fold.addresses.size >= ADDRESSES_MAX) return addToAll(fold, type, of, dataOf);
    const event = eventOf(type, keyOf(caller), address, of, dataOf);
    if (event === null) return;
    if (keyNumber < 0) fold.addresses.set(address, event);
    else {
      if (fold.keys.size >= KEYS_MAX) tick();
      fold.keys.set(keyNumber, event);
    }
  }

  function addToAll<T>(fold: Folded, type: EventTypeName, of: T, dataOf: (of: T) => object | null): void {
    const known = fold.addresses.get(everybody);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const event = eventOf(type, null, everybody, of, dataOf);
    if (event !== null) fold.addresses.set(everybody, event);
  }

  function eventOf<T>(
    type: EventTypeName,
    key: WorkerEvent['key'],
    address: string,
    of: T,
    dataOf: (of: T) => object | null,
  ): WorkerEvent | null {
    const own = dataOf(of);
    if (own === null) return null;
    return { type, key, address, count: 1, atMs: parts.epochMs(), data: { ...own } };
  }

  /** Each mark once a period, and again where the quota is another. */
  function warn(of: Subject, quota: QuotaReading | null, marks: readonly number[] | undefined): void {
    if (quota === null || marks === undefined) return;
    const { caller } = of.context;
    const { slot, limit, used, resetsAtMs } = quota;
    const [first] = marks;
    if (first === undefined || used * 100 < limit * first) return;
    const before = warned.get(slot);
    const same = before !== undefined && before.resetsAtMs === resetsAtMs && before.limit === limit;
    const told = same ? before.percent : 0;
    // Most calls of a key that is past its marks end here.
    if (told >= marks.at(-1)!) return;
    const reached = marks.filter((mark) => mark > told && used * 100 >= limit * mark);
    if (reached.length === 0) return;
    if (warned.size >= WARNED_MAX) warned.clear();
    warned.set(slot, { resetsAtMs, limit, percent: reached.at(-1)! });
    for (const percent of reached) {
      const dataOf = (): object => ({ ...quotaData(quota), percent });
      const event = eventOf('quota.warning', keyOf(caller), caller.address, of, dataOf);
      if (event !== null) warnings.push(event);
    }
  }

  function tick(): void {
    let events = warnings;
    if (warnings.length > 0) warnings = [];
    for (const { keys, addresses } of all) {
      if (keys.size + addresses.size === 0) continue;
      events = [...events, ...keys.values(), ...addresses.values()];
      keys.clear();
      addresses.clear();
    }
    if (events.length > 0) parts.tell(events);
  }

  function warnOf(of: Subject, plan: EventCharge['plan']): void {
    warn(of, of.quota, plan.quota?.warnAt);
    warn(of, of.userQuota, plan.userQuota?.warnAt);
  }

  return {
    apply(snapshot) {
      wanted = wantedOf(snapshot);
      ofAnonymous = new Set(snapshot.events.ofAnonymous);
    },
    refused(call) {
      if (call.refusal === 'rate_limited') {
        if (wanted.exceeded) add(folds.exceeded, 'rate_limit.exceeded', call, exceededData);
        if (wanted.depleted && call.reason === 'burst depleted')
          add(folds.depleted, 'burst.depleted', call, refusingRule);
      } else if (call.refusal === 'method_blocked') {
        if (wanted.blocked) add(folds.blocked, 'method.blocked', call, blockedData);
      } else if (call.refusal === 'quota_exhausted' && wanted.quota)
        add(folds.quota, 'quota.exceeded', call, exhaustedData);
    },
    answered(call) {
      if (call.outcome === outcomes.burst && wanted.burst) add(folds.burst, 'burst.used', call, matchingRule);
      if (wanted.warning && call.plan !== null) warnOf(call, call.plan);
    },
    charged(charge) {
      if (charge.refusal === null) {
        if (wanted.warning) warnOf(charge, charge.plan);
      } else if (wanted.quota) add(folds.quota, 'quota.exceeded', charge, exhaustedData);
    },
    tick,
  };
}

function wantedOf({ events }: PolicySnapshot) {
  const wants = (type: EventTypeName): boolean => events.wanted.includes(type);
  return {
    exceeded: wants('rate_limit.exceeded'),
    depleted: wants('burst.depleted'),
    burst: wants('burst.used'),
    blocked: wants('method.blocked'),
    quota: wants('quota.exceeded'),
    warning: wants('quota.warning'),
  };
}

function keyOf({ keyNumber: number, keyId: id, keyPrefix: prefix }: Caller): WorkerEvent['key'] {
  return number >= 0 ? { number, id, prefix } : null;
}

/** Where, and what was called: by the name that usage keeps of it. */
function callData({ context, facts, method }: Call): { network: string; method: string } {
  const name = (facts ?? context.policy.method(method)).countedAs;
  return {
    network: context.policy.snapshot.networks[context.network]?.name ?? '',
    method: name.length > METHOD_MAX ? `${name.slice(0, METHOD_MAX - 1)}…` : name,
  };
}

function ruleData(call: Call, link: number): object | null {
  const rule = call.plan?.links[link]?.rule;
  if (rule === undefined) return null;
  return { ...callData(call), policy: rule.name, limit: rule.requests, burst: rule.burst };
}

/** The first link of those that refused. */
function refusingRule(call: Call): object | null {
  const refused = call.reading?.refused ?? 0;
  return refused === 0 ? null : ruleData(call, 31 - Math.clz32(refused & -refused));
}

function matchingRule(call: Call): object | null {
  return ruleData(call, 0);
}

function exceededData(call: Call): object | null {
  const rule = refusingRule(call);
  const { retryAfterMs } = call;
  return rule && { ...rule, retryAfterMs: Number.isFinite(retryAfterMs) ? Math.ceil(retryAfterMs) : null };
}

function blockedData(call: Call): object {
  return { ...callData(call), pattern: call.facts?.blockedBy ?? '' };
}

function exhaustedData({ quota, userQuota }: Subject): object | null {
  const full = [quota, userQuota].find((one) => one?.refused);
  return full ? quotaData(full) : null;
}

function quotaData({ of, unit, limit, used, period, resetsAtMs }: QuotaReading): object {
  return { of, unit, limit, used, period, resetsAt: new Date(resetsAtMs).toISOString() };
}
