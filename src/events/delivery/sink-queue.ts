import type { SinkConfig } from '../../config/index.ts';
import { numbered, type UnnumberedEvent } from '../envelope.ts';
import type { ClaimedDelivery, DeliveryOutcome } from '../outbox.ts';
import type { Delivery, DeliveryResult, Sink } from '../sink.ts';
import { type BreakerTiming, type BreakerToken, createSinkBreaker } from './breaker.ts';
import { createPace } from './pace.ts';
import { problemLine } from './problem-line.ts';
import { waitAfter } from './schedule.ts';
import { createWaiting } from './waiting.ts';

/** Claimed ahead of what is under way. */
const aheadOf = ({ concurrency }: SinkConfig, { batchMax }: Sink): number =>
  Math.min(1000, Math.max(32, concurrency * 4, batchMax * 2));

export interface SinkCounts {
  delivered: number;
  /** Attempts that failed and were put off. */
  retried: number;
  dead: number;
}

export interface SinkQueueParts {
  config: SinkConfig;
  sink: Sink;
  counts: SinkCounts;
  settle(outcome: DeliveryOutcome): void;
  /** The receiver wants nothing any more. */
  gone(problem: string): void;
  /** There is room for more. */
  onRoom(): void;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number;
  random(): number;
  breaker: BreakerTiming;
  /** Beyond its own `timeout` a sink that never answers is left alone. Milliseconds. */
  silentMs: number;
}

/** Deliveries to one sink: in its bounds, by its schedule, behind its breaker. No other sink notices. */
export interface SinkQueue {
  /** How many more it would like to have claimed. */
  room(): { new: number; retry: number };
  add(claimed: readonly ClaimedDelivery[]): void;
  /** Begins nothing more; what was waiting. Resolves when all that is under way has ended, which `cut` hastens. */
  stop(): { waiting: ClaimedDelivery[]; ended: Promise<void> };
  cut(): void;
  readonly idle: boolean;
  state(): {
    inFlight: number;
    waiting: number;
    breaker: 'closed' | 'open' | 'half-open';
    problem: string | null;
  };
}

export function createSinkQueue(parts: SinkQueueParts): SinkQueue {
  const { config, sink, counts, epochMs, elapsedMs } = parts;
  const ahead = aheadOf(config, sink);
  const waiting = createWaiting();
  const breaker = createSinkBreaker(parts.breaker, parts.random);
  const pace = createPace(config.rate);
  const cutting = new AbortController();
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let problem: string | null = null;

  const outcomeOf = ({ number, attempts }: ClaimedDelivery, result: DeliveryResult): DeliveryOutcome => {
    const made = attempts + 1;
    const base = { number, sink: config.name, attempts: made, dueAtMs: epochMs(), problem: null };
    if (result.kind === 'delivered') return { ...base, state: 'delivered' };
    problem = result.problem;
    const told = { ...base, problem: result.problem };
    if (result.kind !== 'retry') return { ...told, state: 'dead' };
    const { retries } = config;
    const waitMs = waitAfter(made, { retries, random: parts.random(), retryAfterMs: result.retryAfterMs });
    return waitMs === null
      ? { ...told, state: 'dead' }
      : { ...told, state: 'retry', dueAtMs: epochMs() + waitMs };
  };

  const note = (claimed: ClaimedDelivery, result: DeliveryResult): void => {
    if (claimed.attempts === 0) waiting.ended(claimed.subject);
    // One that we cut ourselves is no attempt: it is delivered anew after the start.
    if (cutting.signal.aborted && result.kind === 'retry') return;
    const outcome = outcomeOf(claimed, result);
    counts[outcome.state === 'retry' ? 'retried' : outcome.state] += 1;
    parts.settle(outcome);
    if (result.kind === 'gone') parts.gone(result.problem);
  };

  const attempt = async (batch: readonly ClaimedDelivery[], token: BreakerToken): Promise<void> => {
    const atMs = epochMs();
    const deliveries = batch.map(({ number, event, attempts }): Delivery => {
      const whole = numbered(JSON.parse(event) as UnnumberedEvent, number);
      return { event: whole, body: JSON.stringify(whole), attempt: attempts + 1, atMs };
    });
    const boundMs = config.timeout + parts.silentMs;
    const results = (await deliverWithin(sink, deliveries, boundMs, cutting.signal)).map(storable);
    if (results.some(({ kind }) => kind === 'retry')) breaker.failed(token, elapsedMs());
    else {
      breaker.succeeded(token);
      if (results.every(({ kind }) => kind === 'delivered')) problem = null;
    }
    for (const [index, claimed] of batch.entries()) note(claimed, results[index] ?? unanswered);
  };

  const arm = (waitMs: number): void => {
    clearTimeout(timer);
    if (waitMs !== Number.POSITIVE_INFINITY) timer = setTimeout(pump, Math.max(1, waitMs));
  };

  function pump(): void {
    const free = (): boolean => !stopped && underWay.size < config.concurrency && waiting.size > 0;
    while (free()) {
      const nowMs = elapsedMs();
      const waitMs = Math.max(breaker.waitMs(nowMs), pace.waitMs(nowMs));
      if (waitMs > 0) return arm(waitMs);
      const batch = waiting.next(breaker.state === 'closed' ? sink.batchMax : 1);
      if (batch.length === 0) return;
      pace.take(batch.length, nowMs);
      const run = attempt(batch, breaker.began()).finally(() => {
        underWay.delete(run);
        pump();
        if (!stopped && waiting.size < ahead / 2) parts.onRoom();
      });
      underWay.add(run);
    }
  }

  return {
    room() {
      if (stopped || breaker.waitMs(elapsedMs()) > 0) return { new: 0, retry: 0 };
      const room = waiting.room(ahead);
      return { new: room.new < ahead / 2 ? 0 : room.new, retry: room.retry < ahead / 2 ? 0 : room.retry };
    },
    add(claimed) {
      waiting.add(claimed);
      pump();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      return { waiting: waiting.takeAll(), ended: Promise.all(underWay).then(() => undefined) };
    },
    cut: () => cutting.abort(),
    get idle() {
      return underWay.size === 0 && waiting.size === 0;
    },
    state: () => ({ inFlight: underWay.size, waiting: waiting.size, breaker: breaker.state, problem }),
  };
}

const unanswered: DeliveryResult = {
  kind: 'retry',
  problem: 'the sink did not say what became of it',
  retryAfterMs: null,
};

/** Never rejects: a fault of the sink's own is one more reason to try again. */
async function deliverWithin(
  sink: Sink,
  deliveries: readonly Delivery[],
  boundMs: number,
  signal: AbortSignal,
): Promise<DeliveryResult[]> {
  const failed = (problem: string): DeliveryResult[] =>
    deliveries.map(() => ({ kind: 'retry', problem, retryAfterMs: null }));
  const late = Promise.withResolvers<DeliveryResult[]>();
  const bound = new AbortController();
  const giveUp = (problem: string): void => {
    bound.abort();
    late.resolve(failed(problem));
  };
  const timer = setTimeout(() => giveUp('the sink did not answer in time'), boundMs);
  const cut = (): void => giveUp('the gateway ended before it was answered');
  signal.addEventListener('abort', cut, { once: true });
  try {
    return await Promise.race([sink.deliver(deliveries, bound.signal), late.promise]);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cut);
  }
}

function storable(result: DeliveryResult): DeliveryResult {
  return result.kind === 'delivered' ? result : { ...result, problem: problemLine(result.problem) };
}
