import { linksMax } from '../../limits/index.ts';
import type { DeliveryTrace } from '../../upstream/index.ts';
import type { CallContext } from '../context.ts';
import type { DecisionSource, QuotaReading } from './decision-source.ts';
import type { LimitPlan } from '../limit/limit-plan.ts';
import type { MethodFacts } from '../policy.ts';

const sources = ['upstream', 'cache', 'joined', 'hub', 'shared'] as const;

/** Numbers of one record, in this order; then each link's tokens before, then after. */
const at = {
  request: 0,
  epochMs: 1,
  item: 2,
  startedAt: 3,
  sentAt: 4,
  answeredAt: 5,
  outcome: 6,
  hasFailed: 7,
  attempts: 8,
  retryAfterMs: 9,
  links: 10,
  refused: 11,
  shadowRefused: 12,
  alike: 13,
  cost: 14,
  source: 15,
  via: 16,
  waited: 17,
  /** 0: no other instance has the buckets. */
  instances: 18,
  exact: 19,
  share: 20,
  unasked: 21,
  tokens: 22,
} as const;
const numbersEach = at.tokens + 2 * linksMax;

/** A record as it was noted, with the wall clock's time of its request's end. */
export type NotedDecision = DecisionSource & {
  readonly epochMs: number;
  /** How many more items of its batch were refused alike. */
  readonly alike: number;
};

/** One with 20,000 keys of its config takes 4 MB: a file that changes every few seconds would fill the memory. */
const POLICIES_MAX = 8;

/** Items of one batch that are refused alike are one record with a count; how far back it is looked for. */
const ALIKE_LOOK_BACK = 4;

/**
 * The latest decisions of one worker, bounded by age and by number. A record is written into arrays that are there
 * already, and refers only to what outlives the call: a flood of refusals leaves the garbage collector nothing
 * that lives on (2 us a refusal less than one object for each).
 */
export class DecisionRing {
  private readonly keepMs: number;
  private readonly size: number;
  private readonly numbers: Float64Array;
  private readonly contexts: (CallContext | null)[];
  private readonly facts: (MethodFacts | null)[];
  private readonly plans: (LimitPlan | null)[];
  private readonly methods: string[];
  private readonly refusals: DecisionSource['refusal'][];
  private readonly reasons: (string | null)[];
  private readonly quotas: (QuotaReading | null)[];
  private readonly userQuotas: (QuotaReading | null)[];
  private readonly traces: (DeliveryTrace | null)[];
  private readonly callerRequestIds: (string | undefined)[];
  private next = 0;

  /** @param size records kept at most; 0 keeps none */
  constructor(size: number, keepMs: number) {
    this.keepMs = keepMs;
    this.size = size;
    this.numbers = new Float64Array(size * numbersEach);
    this.contexts = new Array<CallContext | null>(size).fill(null);
    this.facts = new Array<MethodFacts | null>(size).fill(null);
    this.plans = new Array<LimitPlan | null>(size).fill(null);
    this.methods = new Array<string>(size).fill('');
    this.refusals = new Array<DecisionSource['refusal']>(size).fill(null);
    this.reasons = new Array<string | null>(size).fill(null);
    this.quotas = new Array<QuotaReading | null>(size).fill(null);
    this.userQuotas = new Array<QuotaReading | null>(size).fill(null);
    this.traces = new Array<DeliveryTrace | null>(size).fill(null);
    this.callerRequestIds = new Array<string | undefined>(size).fill(undefined);
  }

  /** @returns whether another record was dropped for it before its time */
  add(source: DecisionSource, epochMs: number): boolean {
    if (this.size === 0) return false;
    if (source.item >= 0 && source.refusal !== null && this.countAlike(source)) return false;
    const slot = this.next;
    this.next = slot + 1 === this.size ? 0 : slot + 1;
    const { numbers } = this;
    const base = slot * numbersEach;
    const dropped = this.contexts[slot] !== null && epochMs - numbers[base + at.epochMs]! < this.keepMs;
    numbers[base + at.request] = source.request;
    numbers[base + at.epochMs] = epochMs;
    numbers[base + at.item] = source.item;
    numbers[base + at.startedAt] = source.startedAt;
    numbers[base + at.sentAt] = source.sentAt;
    numbers[base + at.answeredAt] = source.answeredAt;
    numbers[base + at.outcome] = source.outcome;
    numbers[base + at.hasFailed] = source.hasFailed ? 1 : 0;
    numbers[base + at.attempts] = source.attempts;
    numbers[base + at.retryAfterMs] = source.retryAfterMs;
    numbers[base + at.alike] = 0;
    numbers[base + at.cost] = source.cost;
    numbers[base + at.source] = sources.indexOf(source.source);
    numbers[base + at.via] = source.via;
    const { reading } = source;
    numbers[base + at.links] = reading === null ? -1 : reading.links;
    if (reading !== null) {
      numbers[base + at.refused] = reading.refused;
      numbers[base + at.shadowRefused] = reading.shadowRefused;
      for (let link = 0; link < reading.links; link++) {
        numbers[base + at.tokens + link] = reading.before[link]!;
        numbers[base + at.tokens + linksMax + link] = reading.after[link]!;
      }
    }
    const { sharing } = source;
    numbers[base + at.waited] = source.waited;
    numbers[base + at.instances] = sharing === null ? 0 : sharing.instances;
    if (sharing !== null) {
      numbers[base + at.exact] = sharing.exact;
      numbers[base + at.share] = sharing.share;
      numbers[base + at.unasked] = sharing.unasked;
    }
    this.contexts[slot] = source.context;
    this.facts[slot] = source.facts;
    this.plans[slot] = source.plan;
    this.methods[slot] = source.facts === null ? source.method : source.facts.name;
    this.refusals[slot] = source.refusal;
    this.reasons[slot] = source.reason;
    this.quotas[slot] = source.quota;
    this.userQuotas[slot] = source.userQuota;
    this.traces[slot] = source.trace;
    this.callerRequestIds[slot] = source.callerRequestId;
    return dropped;
  }

  /** A batch of a hundred refused items must not push out a hundred other callers' records. */
  private countAlike(source: DecisionSource): boolean {
    const rule = source.plan?.rule ?? null;
    for (let back = 1; back <= ALIKE_LOOK_BACK && back <= this.size; back++) {
      const slot = (this.next - back + this.size) % this.size;
      const base = slot * numbersEach;
      if (this.contexts[slot] === null || this.numbers[base + at.request] !== source.request) return false;
      if (this.refusals[slot] !== source.refusal || (this.plans[slot]?.rule ?? null) !== rule) continue;
      this.numbers[base + at.alike]!++;
      return true;
    }
    return false;
  }

  /** All that is kept of one request, oldest first: one record, or one for each noted item of a batch. */
  find(request: number, nowMs: number): NotedDecision[] {
    const found: NotedDecision[] = [];
    for (let k = 0; k < this.size; k++) {
      const slot = (this.next + k) % this.size;
      const base = slot * numbersEach;
      if (this.contexts[slot] === null || this.numbers[base] !== request) continue;
      if (nowMs - this.numbers[base + at.epochMs]! <= this.keepMs) found.push(this.read(slot));
    }
    return found;
  }

  /**
   * Lets go of what is too old, so that an idle worker holds no policy or caller for ever; and of what is not by one of the latest
   * {@link POLICIES_MAX} policies, however young.
   *
   * @param generation of the policy now
   */
  expire(nowMs: number, generation: number): void {
    for (let slot = 0; slot < this.size; slot++) {
      const context = this.contexts[slot] ?? null;
      if (context === null) continue;
      const isYoung = nowMs - this.numbers[slot * numbersEach + at.epochMs]! <= this.keepMs;
      if (isYoung && generation - context.policy.snapshot.generation < POLICIES_MAX) continue;
      this.contexts[slot] = null;
      this.facts[slot] = null;
      this.plans[slot] = null;
      this.quotas[slot] = null;
      this.userQuotas[slot] = null;
      this.traces[slot] = null;
      this.methods[slot] = '';
      this.callerRequestIds[slot] = undefined;
    }
  }

  private read(slot: number): NotedDecision {
    const base = slot * numbersEach;
    const number = (index: number): number => this.numbers[base + index]!;
    const links = number(at.links);
    const instances = number(at.instances);
    const tokens = base + at.tokens;
    return {
      epochMs: number(at.epochMs),
      alike: number(at.alike),
      context: this.contexts[slot]!,
      request: number(at.request),
      callerRequestId: this.callerRequestIds[slot],
      item: number(at.item),
      startedAt: number(at.startedAt),
      sentAt: number(at.sentAt),
      answeredAt: number(at.answeredAt),
      method: this.methods[slot]!,
      facts: this.facts[slot]!,
      plan: this.plans[slot]!,
      outcome: number(at.outcome),
      refusal: this.refusals[slot]!,
      reason: this.reasons[slot]!,
      hasFailed: number(at.hasFailed) === 1,
      attempts: number(at.attempts),
      cost: number(at.cost),
      source: sources[number(at.source)]!,
      via: number(at.via),
      trace: this.traces[slot]!,
      retryAfterMs: number(at.retryAfterMs),
      reading:
        links < 0
          ? null
          : {
              links,
              before: this.numbers.slice(tokens, tokens + links),
              after: this.numbers.slice(tokens + linksMax, tokens + linksMax + links),
              refused: number(at.refused),
              shadowRefused: number(at.shadowRefused),
            },
      sharing:
        instances === 0
          ? null
          : { instances, exact: number(at.exact), share: number(at.share), unasked: number(at.unasked) },
      waited: number(at.waited),
      quota: this.quotas[slot]!,
      userQuota: this.userQuotas[slot]!,
    };
  }
}

/** What a worker keeps: a flood of refusals pushes out no sample of the calls that passed. */
export interface Decisions {
  readonly refusals: DecisionRing;
  readonly samples: DecisionRing;
}

/** @param size of each, in records */
export function createDecisions(size: number, keepMs: number): Decisions {
  return { refusals: new DecisionRing(size, keepMs), samples: new DecisionRing(size, keepMs) };
}

/** All records of one request, those that passed first. */
export function findDecisions(
  { refusals, samples }: Decisions,
  request: number,
  nowMs: number,
): NotedDecision[] {
  return [...samples.find(request, nowMs), ...refusals.find(request, nowMs)].sort((a, b) => a.item - b.item);
}
