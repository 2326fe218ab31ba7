import type { SinkConfig } from '../../config/index.ts';
import type { ClaimedDelivery, Outbox } from '../outbox.ts';
import { createRouting } from '../routing.ts';
import type { Sink } from '../sink.ts';
import { type BreakerTiming, usualBreaker } from './breaker.ts';
import { createOwnClaims } from './own-claims.ts';
import { createSettler } from './settler.ts';
import { createSinkSlot, type DeliveryLog, type SinkSlot, type SinkState } from './sink-slot.ts';
import { createTidier, fingerprint } from './tidier.ts';
import { within } from './within.ts';

export interface DeliveryTiming {
  /** Between two looks at what is due, where nothing says sooner. */
  pollMs: number;
  /** How long a delivery is ours before it must be kept for longer. */
  claimMs: number;
  /** Between two looks at sinks that are gone, off or could not be set up. */
  sweepMs: number;
  /** What a sink may take beyond its own `timeout`, whatever it is asked to do. */
  silentMs: number;
  breaker: BreakerTiming;
}

const usualTiming: DeliveryTiming = {
  pollMs: 1000,
  claimMs: 60_000,
  sweepMs: 60_000,
  silentMs: 5000,
  breaker: usualBreaker,
};

/** For what is under way after it was cut, and for the last word to the store. */
const END_MS = 1000;
const UNROUTED_AT_ONCE = 200;

export interface DeliveryParts {
  outbox: Outbox;
  /** Names this instance in claims: the same after a restart. */
  by: string;
  /** Others deliver from the same outbox. */
  shared: boolean;
  makeSink(config: SinkConfig): Promise<Sink>;
  log: DeliveryLog;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back: for all that is not stored. */
  elapsedMs(): number;
  random(): number;
  timing?: Partial<DeliveryTiming>;
}

/** Takes events out of the outbox and sees to it that each gets where it is to go: at least once, and no later than it must. */
export interface DeliveryEngine {
  configure(sinks: readonly SinkConfig[]): void;
  /** There may be something to do. */
  poke(): void;
  /** Delivers what is due within `boundMs`, then cuts what is under way; what is left stays in the outbox. */
  drain(boundMs: number): Promise<void>;
  stop(): Promise<void>;
  state(): Record<string, SinkState>;
}

export function createDelivery(parts: DeliveryParts): DeliveryEngine {
  const { outbox, by, log, epochMs, elapsedMs } = parts;
  const timing = { ...usualTiming, ...parts.timing };
  const slots = new Map<string, SinkSlot>();
  /** Names that were configured away and are still ending. */
  const ending = new Set<Promise<void>>();
  let route = createRouting([]);
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const ended = (): boolean => stopped;
  const claims = createOwnClaims({ outbox, by, claimMs: timing.claimMs, epochMs, elapsedMs });
  const settler = createSettler({
    ...{ outbox, by, epochMs, log },
    onSettled(outcomes) {
      claims.noted(outcomes);
      poke();
    },
  });

  const left = (sink: string, claimed: readonly ClaimedDelivery[]): void => {
    if (claimed.length === 0) return;
    claims.leave(sink, claimed);
    tidier.soon();
    poke();
  };

  const tidier = createTidier({
    ...{ outbox, slots, shared: parts.shared, log, epochMs, elapsedMs, sweepMs: timing.sweepMs },
    onChange: () => poke(),
  });

  const slotOf = (config: SinkConfig): SinkSlot =>
    createSinkSlot(config, {
      makeSink: parts.makeSink,
      settle: settler.add,
      gone: tidier.gone,
      left: (claimed) => left(config.name, claimed),
      ...{ epochMs, elapsedMs, silentMs: timing.silentMs },
      onRoom: () => poke(),
      onBroken: ({ name }, error) =>
        log.error({ kind: 'events', sink: name, err: error }, `sink ${name} cannot be set up`),
      onLingering: ({ name }) =>
        log.error({ kind: 'events', sink: name }, `sink ${name} did not end in time, and was left to itself`),
      random: parts.random,
      breaker: timing.breaker,
    });

  const routeForeign = async (): Promise<void> => {
    const found = await outbox.unrouted(UNROUTED_AT_ONCE);
    if (found.length === 0) return;
    const routed = found.map((event) => ({
      number: event.number,
      subject: event.subject,
      sinks: route(event),
    }));
    await outbox.route(routed, epochMs());
    again ||= found.length === UNROUTED_AT_ONCE;
  };

  /** Claims what is due, as far as there is room. In how many milliseconds to look again. */
  const claim = async (): Promise<number> => {
    const open = [...slots].flatMap(([name, { queue }]) => {
      const room = queue?.room() ?? { new: 0, retry: 0 };
      if (queue === null || room.new + room.retry === 0 || !claims.isReady(name)) return [];
      return [{ name, queue, room }];
    });
    let waitMs = timing.pollMs;
    const due = await outbox.due(
      open.map(({ name }) => name),
      epochMs(),
    );
    const dueNow = new Set<string>();
    for (const { sink, dueAtMs } of due) {
      const inMs = dueAtMs - epochMs();
      if (inMs <= 0) dueNow.add(sink);
      else waitMs = Math.min(waitMs, inMs);
    }
    for (const { name, queue, room } of open) {
      if (!dueNow.has(name) || slots.get(name)?.queue !== queue) continue;
      const claimed = await claims.claim(name, room);
      if (slots.get(name)?.queue === queue) queue.add(claimed);
      else left(name, claimed);
    }
    return waitMs;
  };

  const work = async (): Promise<void> => {
    let waitMs = timing.pollMs;
    try {
      do {
        again = false;
        await claims.keep(slots.keys());
        await tidier.applyDisabled();
        await routeForeign();
        await tidier.sweep();
        waitMs = await claim();
      } while (again && !ended());
    } catch {
      // The store is away, and says so itself.
      again = false;
    }
    // Without sinks there is nothing to deliver, and little to look for.
    arm(slots.size === 0 ? timing.sweepMs : waitMs);
  };
  const run = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (stopped) return;
    if (working !== undefined) {
      again = true;
      return;
    }
    working = work().finally(() => {
      working = undefined;
      if (again) poke();
    });
  };
  function arm(waitMs: number): void {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(run, waitMs);
  }
  let poked = false;
  function poke(): void {
    if (poked || stopped) return;
    poked = true;
    setImmediate(() => {
      poked = false;
      run();
    });
  }

  const close = async (cut: boolean): Promise<void> => {
    stopped = true;
    clearTimeout(timer);
    if (cut) for (const slot of slots.values()) slot.cut();
    // A store that does not answer keeps nobody from ending: what it was asked for is claimed by us, and free at the next start.
    await within(
      END_MS,
      Promise.all([working, ...[...slots.values()].map((slot) => slot.close()), ...ending]),
    );
  };

  return {
    configure(sinks) {
      route = createRouting(sinks);
      const names = new Set(sinks.map(({ name }) => name));
      for (const [name, slot] of slots) {
        if (names.has(name)) continue;
        slots.delete(name);
        const ended: Promise<void> = slot.close().finally(() => {
          ending.delete(ended);
          tidier.soon();
          poke();
        });
        ending.add(ended);
      }
      for (const config of sinks) {
        const slot = slots.get(config.name);
        if (slot === undefined) slots.set(config.name, slotOf(config));
        else if (fingerprint(slot.config) !== fingerprint(config)) slot.configure(config);
      }
      tidier.soon();
      poke();
    },
    poke,
    async drain(boundMs) {
      const until = elapsedMs() + boundMs;
      const idle = (): boolean =>
        settler.size === 0 && [...slots.values()].every(({ queue }) => queue === null || queue.idle);
      const nothingDue = async (): Promise<boolean> => {
        const due = await outbox.due([...slots.keys()], epochMs()).catch(() => []);
        return due.every(({ dueAtMs }) => dueAtMs > epochMs());
      };
      const allDelivered = async (): Promise<void> => {
        while (elapsedMs() < until && !(idle() && (await nothingDue()))) {
          poke();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      // A store that is asked and does not answer is waited for no longer than a sink.
      await within(boundMs, allDelivered());
      await close(true);
      await within(END_MS, settler.flush());
      settler.stop();
      await within(
        END_MS,
        outbox.release(by).catch(() => undefined),
      );
    },
    async stop() {
      await close(true);
      settler.stop();
    },
    state: () => Object.fromEntries([...slots].map(([name, slot]) => [name, slot.state()])),
  };
}
