import type {
  ClaimedDelivery,
  DeliveryOutcome,
  DeliveryState,
  DisabledSink,
  Outbox,
  OutboxEntry,
} from './outbox.ts';

/** Events at most that are still to be delivered. */
export const memoryEventsMax = 10_000;

interface Held {
  delivery: ClaimedDelivery;
  state: DeliveryState;
  dueAtMs: number;
  claimed: boolean;
}

/**
 * The outbox where no store is kept: of one process and for its life. Nothing that is over is remembered, dead letters neither. With
 * `memoryEventsMax` deliveries waiting, later ones are dropped and counted.
 */
export interface MemoryOutbox extends Outbox {
  readonly size: number;
  readonly dropped: number;
}

export function createMemoryOutbox(): MemoryOutbox {
  /** By sink, in the order of their numbers. */
  const bySink = new Map<string, Map<number, Held>>();
  const off = new Map<string, DisabledSink>();
  let numbers = 0;
  let size = 0;
  let dropped = 0;

  const heldOf = (sink: string): Map<number, Held> => {
    let held = bySink.get(sink);
    if (held === undefined) bySink.set(sink, (held = new Map()));
    return held;
  };
  const remove = (sink: string, number: number): void => {
    if (bySink.get(sink)?.delete(number) === true) size -= 1;
  };
  const isDue = ({ state, claimed, dueAtMs }: Held, which: 'new' | 'retry', nowMs: number): boolean =>
    state === which && !claimed && (which === 'new' || dueAtMs <= nowMs);

  return {
    get size() {
      return size;
    },
    get dropped() {
      return dropped;
    },
    async add(entries: readonly OutboxEntry[]) {
      for (const { subject, event, sinks } of entries) {
        numbers += 1;
        for (const sink of sinks ?? []) {
          if (size >= memoryEventsMax) {
            dropped += 1;
            continue;
          }
          const delivery = { number: numbers, sink, subject, attempts: 0, event };
          heldOf(sink).set(numbers, { delivery, state: 'new', dueAtMs: 0, claimed: false });
          size += 1;
        }
      }
    },
    unrouted: async () => [],
    route: async () => undefined,
    async due(sinks) {
      return sinks.flatMap((sink) => {
        let dueAtMs = Number.POSITIVE_INFINITY;
        for (const held of bySink.get(sink)?.values() ?? [])
          if (!held.claimed) dueAtMs = Math.min(dueAtMs, held.state === 'new' ? 0 : held.dueAtMs);
        return dueAtMs === Number.POSITIVE_INFINITY ? [] : [{ sink, dueAtMs }];
      });
    },
    async claim({ sink, limit, nowMs }) {
      const claimed: ClaimedDelivery[] = [];
      for (const which of ['new', 'retry'] as const) {
        let left = limit[which];
        for (const held of bySink.get(sink)?.values() ?? []) {
          if (left === 0) break;
          if (!isDue(held, which, nowMs)) continue;
          held.claimed = true;
          claimed.push({ ...held.delivery });
          left -= 1;
        }
      }
      return claimed;
    },
    async settle(outcomes: readonly DeliveryOutcome[]) {
      for (const { number, sink, state, attempts, dueAtMs } of outcomes) {
        const held = bySink.get(sink)?.get(number);
        if (held === undefined) continue;
        if (state !== 'retry') remove(sink, number);
        else
          Object.assign(held, { state, dueAtMs, claimed: false, delivery: { ...held.delivery, attempts } });
      }
    },
    renew: async () => undefined,
    async release(_by, these) {
      const some = these === undefined ? [...bySink.values()] : [bySink.get(these.sink) ?? new Map()];
      const numbers = these && new Set(these.numbers);
      for (const deliveries of some)
        for (const [number, held] of deliveries) if (numbers?.has(number) !== false) held.claimed = false;
    },
    async recover(_by, { sink, known }) {
      const numbers = new Set(known);
      for (const [number, held] of bySink.get(sink) ?? []) if (!numbers.has(number)) held.claimed = false;
      return true;
    },
    async abandon(which) {
      let count = 0;
      for (const [sink, some] of bySink) {
        const meant = 'only' in which ? sink === which.only : !which.except.includes(sink);
        if (!meant) continue;
        for (const [number, held] of some) {
          if (held.claimed) continue;
          remove(sink, number);
          count += 1;
        }
      }
      return count;
    },
    disabled: async () => [...off.values()],
    disable: async (sink) => void off.set(sink.name, sink),
    enable: async (name) => void off.delete(name),
    list: async () => [],
    recordBilling: () => Promise.reject(new Error('there is no database: store is none')),
  };
}
