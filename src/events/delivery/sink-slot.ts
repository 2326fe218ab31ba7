import type { SinkConfig } from '../../config/index.ts';
import type { ClaimedDelivery, DeliveryOutcome } from '../outbox.ts';
import type { Sink } from '../sink.ts';
import type { BreakerTiming } from './breaker.ts';
import { problemLine } from './problem-line.ts';
import { createSinkQueue, type SinkCounts, type SinkQueue } from './sink-queue.ts';
import { within } from './within.ts';

/** What delivery has to say to who runs the gateway. */
export interface DeliveryLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How a sink stands. */
export interface SinkState extends SinkCounts {
  type: SinkConfig['type'];
  inFlight: number;
  /** Claimed, and not under way. */
  waiting: number;
  breaker: 'closed' | 'open' | 'half-open';
  /** Why its receiver turned it off (410); null: it did not. */
  disabled: string | null;
  /** Of the last delivery that failed, or why it cannot be set up; null: the last one did not fail. */
  problem: string | null;
  /** It cannot be set up. */
  broken: boolean;
}

export interface SinkSlotParts {
  makeSink(config: SinkConfig): Promise<Sink>;
  settle(outcome: DeliveryOutcome): void;
  gone(config: SinkConfig, problem: string): void;
  /** These are claimed and will not be attempted: the sink is another now, or none. */
  left(claimed: readonly ClaimedDelivery[]): void;
  onRoom(): void;
  onBroken(config: SinkConfig, error: unknown): void;
  /** It was to end, and did not within its bound: it is left to itself. */
  onLingering(config: SinkConfig): void;
  epochMs(): number;
  elapsedMs(): number;
  random(): number;
  breaker: BreakerTiming;
  /** What a sink may take beyond its `timeout`: to be set up, to deliver, to end. Milliseconds. */
  silentMs: number;
}

/** The place of one sink's name: its queue now, and how it becomes another. */
export interface SinkSlot {
  readonly config: SinkConfig;
  /** null: it is being set up, cannot be, or is off. */
  readonly queue: SinkQueue | null;
  /** Replaces the sink once all under way with the old one has ended. */
  configure(config: SinkConfig): void;
  /** Tries again to set up what could not be. */
  mend(): void;
  turnOff(problem: string | null): void;
  readonly disabled: string | null;
  /** Ends it; resolves when nothing is under way. */
  close(): Promise<void>;
  cut(): void;
  state(): SinkState;
}

export function createSinkSlot(first: SinkConfig, parts: SinkSlotParts): SinkSlot {
  const counts: SinkCounts = { delivered: 0, retried: 0, dead: 0 };
  let config = first;
  let live: { sink: Sink; queue: SinkQueue; mine: SinkConfig } | null = null;
  /** Ends, and has something under way still. */
  let leaving: SinkQueue | null = null;
  let disabled: string | null = null;
  let broken: string | null = null;
  let closed = false;
  let last = Promise.resolve();

  const begin = async (): Promise<void> => {
    if (closed || live !== null || disabled !== null) return;
    const mine = config;
    try {
      const sink = await makeInTime(mine);
      broken = null;
      const queue = createSinkQueue({
        ...{ config: mine, sink, counts },
        ...parts,
        gone: (problem) => parts.gone(mine, problem),
      });
      live = { sink, queue, mine };
      parts.onRoom();
    } catch (error) {
      if (broken === null) parts.onBroken(mine, error);
      broken = problemLine(error instanceof Error ? error.message : String(error));
    }
  };
  const makeInTime = async (mine: SinkConfig): Promise<Sink> => {
    const boundMs = mine.timeout + parts.silentMs;
    const making = parts.makeSink(mine);
    const sink = await within(boundMs, making);
    if (sink !== null) return sink;
    // One that comes after all is not used: another may be in its place by then.
    making.then((late) => late.close()).catch(() => undefined);
    throw new Error(`it was not set up within ${boundMs / 1000} s`);
  };
  const end = async (): Promise<void> => {
    if (live === null) return;
    const { sink, queue, mine } = live;
    live = null;
    leaving = queue;
    const { waiting, ended } = queue.stop();
    parts.left(waiting);
    await ended;
    leaving = null;
    const closing = sink.close().then(
      () => true,
      () => true,
    );
    if ((await within(mine.timeout + parts.silentMs, closing)) === null) parts.onLingering(mine);
  };
  const next = (work: () => Promise<void>): Promise<void> => (last = last.then(work));
  void next(begin);

  return {
    get config() {
      return config;
    },
    get queue() {
      return live?.queue ?? null;
    },
    configure(changed) {
      config = changed;
      broken = null;
      void next(end);
      void next(begin);
    },
    mend() {
      if (broken !== null) void next(begin);
    },
    turnOff(problem) {
      if (disabled === problem) return;
      disabled = problem;
      void next(problem === null ? begin : end);
    },
    get disabled() {
      return disabled;
    },
    close() {
      closed = true;
      return next(end);
    },
    cut() {
      live?.queue.cut();
      leaving?.cut();
    },
    state: () => ({
      type: config.type,
      ...counts,
      ...(live?.queue.state() ?? { inFlight: 0, waiting: 0, breaker: 'closed', problem: null }),
      ...{ disabled, broken: broken !== null },
      ...(broken === null ? {} : { problem: broken }),
    }),
  };
}
