import type { EventDraft, EventType } from './event.ts';

/** Types that may come in floods: their data says how often. */
export type FoldedType = Extract<EventDraft, { data: { count: number } }>['type'];

/** Something that happened `count` times, with the data of one of them. */
export type Occurrences = Extract<EventDraft, { data: { count: number } }>;

/** Whether floods of its type are told in windows. */
export function isFolded(draft: EventDraft): draft is Occurrences {
  return 'count' in draft.data;
}

/** Addresses of one type that are told apart; the others are told as one, `*`. */
const ADDRESSES_MAX = 10_000;
/** Keys of one type whose windows are kept; config and store bound them before. Those beyond are told of each time, by their names. */
const KEYS_MAX = 1_000_000;
/** Windows told in one turn: each costs 10 µs, and the gateway’s other work waits. The rest is told at the next looks. */
const TOLD_AT_ONCE = 300;

/** A (type, subject) that was told of, until its window ends. Milliseconds of the monotonic clock. */
interface Open {
  last: Occurrences;
  since: number;
  until: number;
  count: number;
}

/** Open windows of one type: by subject, in the order in which they end, as far as the window stays the same. */
type Pool = Map<string, Open>;

/**
 * The first of a type and subject is told at once, what follows within a window as one with a count at its end. A window with nothing in
 * it ends the matter. Types have no share in each other’s room, and addresses none in that of keys.
 */
export interface Fold {
  add(occurrences: Occurrences): void;
  /** Tells of windows that are over, some hundreds at most; to be called now and then. */
  look(): void;
  /** Tells of all that was counted and not told yet. */
  flush(): void;
  readonly subjects: number;
  /** How many happened that no event of their own was made for. */
  readonly folded: number;
}

export function createFold(parts: {
  emit(draft: EventDraft): void;
  windowMs(): number;
  /** Of a clock that is never set: windows end by it. */
  monotonicMs(): number;
  /** What events are dated by. */
  epochMs(): number;
  addressesMax?: number;
  keysMax?: number;
}): Fold {
  const { addressesMax = ADDRESSES_MAX, keysMax = KEYS_MAX, monotonicMs, epochMs } = parts;
  const pools = new Map<EventType, { keys: Pool; addresses: Pool }>();
  let folded = 0;
  /** The pool that the next look begins with. */
  let turn = 0;

  const tell = (of: Occurrences, count: number, windowMs: number, atMs: number): void => {
    parts.emit({ ...of, atMs, data: { ...of.data, count, windowMs } } as EventDraft);
  };
  const tellWindow = (one: Open, nowMs: number): void => {
    folded -= 1;
    tell(one.last, one.count, Math.round(nowMs - one.since), epochMs());
  };
  const begin = (pool: Pool, last: Occurrences, nowMs: number, count: number): void => {
    pool.delete(last.subject);
    pool.set(last.subject, { last, since: nowMs, until: nowMs + parts.windowMs(), count });
  };
  const poolsOf = (type: EventType): { keys: Pool; addresses: Pool } => {
    let own = pools.get(type);
    if (own === undefined) pools.set(type, (own = { keys: new Map(), addresses: new Map() }));
    return own;
  };
  const allPools = (): Pool[] => [...pools.values()].flatMap(({ keys, addresses }) => [keys, addresses]);

  /** How many of `room` it has used. */
  const lookAt = (pool: Pool, nowMs: number, room: number): number => {
    let told = 0;
    for (const [subject, one] of pool) {
      if (told >= room) break;
      if (one.until > nowMs) {
        // After a longer window comes none that ends earlier, but for one that a reload made shorter.
        if (one.until - nowMs <= parts.windowMs()) break;
        continue;
      }
      pool.delete(subject);
      if (one.count === 0) continue;
      tellWindow(one, nowMs);
      told += 1;
      begin(pool, one.last, nowMs, 0);
    }
    return told;
  };

  return {
    add(given) {
      const { keys, addresses } = poolsOf(given.type);
      const ofKey = given.keyId !== undefined;
      const pool = ofKey ? keys : addresses;
      let of = given;
      let known = pool.get(of.subject);
      const full = known === undefined && pool.size >= (ofKey ? keysMax : addressesMax);
      if (full && !ofKey) {
        of = { ...given, subject: '*' };
        known = pool.get(of.subject);
      }
      const { count } = of.data;
      if (known !== undefined) {
        folded += count;
        known.count += count;
        known.last = of;
        return;
      }
      if (full && ofKey) {
        tell(of, count, 0, of.atMs);
        folded += count - 1;
        return;
      }
      tell(of, 1, 0, of.atMs);
      folded += count - 1;
      begin(pool, of, monotonicMs(), count - 1);
    },
    look() {
      const nowMs = monotonicMs();
      const all = allPools();
      let room = TOLD_AT_ONCE;
      for (let at = 0; at < all.length && room > 0; at += 1)
        room -= lookAt(all[(turn + at) % all.length]!, nowMs, room);
      turn += 1;
    },
    flush() {
      const nowMs = monotonicMs();
      for (const pool of allPools()) {
        for (const one of pool.values()) if (one.count > 0) tellWindow(one, nowMs);
        pool.clear();
      }
    },
    get subjects() {
      return allPools().reduce((sum, { size }) => sum + size, 0);
    },
    get folded() {
      return folded;
    },
  };
}
