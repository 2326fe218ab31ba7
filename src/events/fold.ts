import type { EventDraft, EventType } from './event.ts';

/** Types that may come in floods: their data says how often. */
export type FoldedType = Extract<EventDraft, { data: { count: number } }>['type'];

/** Something that happened `count` times, with the data of one of them. */
export type Occurrences = Extract<EventDraft, { data: { count: number } }>;

/** Whether floods of its type are told in windows. */
export function isFolded(draft: EventDraft): draft is Occurrences {
  return 'count' in draft.data;
}

/** Subjects that are told apart; the others are told as one, `*`. */
const SUBJECTS_MAX = 10_000;

/** A (type, subject) that was told of, until its window ends. */
interface Open {
  last: Occurrences;
  since: number;
  until: number;
  count: number;
}

/**
 * The first of a type and subject is told at once, what follows within a window as one with a count at its end. A window with nothing in
 * it ends the matter. Nothing is left out of the counts.
 */
export interface Fold {
  add(occurrences: Occurrences): void;
  /** Tells of the windows that are over at `nowMs`; to be called now and then. */
  look(nowMs: number): void;
  /** Tells of all that was counted and not told yet. */
  flush(nowMs: number): void;
  readonly subjects: number;
  /** How many happened that no event of their own was made for. */
  readonly folded: number;
}

export function createFold(parts: {
  emit(draft: EventDraft): void;
  windowMs(): number;
  subjectsMax?: number;
}): Fold {
  const subjectsMax = parts.subjectsMax ?? SUBJECTS_MAX;
  /** In the order in which their windows end, as far as the window stays the same. */
  const open = new Map<string, Open>();
  let folded = 0;

  const tell = (of: Occurrences, count: number, windowMs: number, atMs: number): void => {
    parts.emit({ ...of, atMs, data: { ...of.data, count, windowMs } } as EventDraft);
  };
  const tellWindow = (one: Open, nowMs: number): void => {
    folded -= 1;
    tell(one.last, one.count, nowMs - one.since, nowMs);
  };
  const begin = (key: string, last: Occurrences, nowMs: number, count: number): void => {
    open.delete(key);
    open.set(key, { last, since: nowMs, until: nowMs + parts.windowMs(), count });
  };

  return {
    add(given) {
      let of = given;
      let key = keyOf(of.type, of.subject);
      let known = open.get(key);
      if (known === undefined && open.size >= subjectsMax) {
        of = everybodys(of);
        key = keyOf(of.type, of.subject);
        known = open.get(key);
      }
      const { count } = of.data;
      if (known === undefined) {
        tell(of, 1, 0, of.atMs);
        folded += count - 1;
        begin(key, of, of.atMs, count - 1);
        return;
      }
      folded += count;
      known.count += count;
      known.last = of;
    },
    look(nowMs) {
      for (const [key, one] of open) {
        if (one.until > nowMs) {
          // After a longer window comes none that ends earlier, but for one that a reload made shorter.
          if (one.until - nowMs <= parts.windowMs()) return;
          continue;
        }
        open.delete(key);
        if (one.count === 0) continue;
        tellWindow(one, nowMs);
        begin(key, one.last, nowMs, 0);
      }
    },
    flush(nowMs) {
      for (const one of open.values()) if (one.count > 0) tellWindow(one, nowMs);
      open.clear();
    },
    get subjects() {
      return open.size;
    },
    get folded() {
      return folded;
    },
  };
}

function keyOf(type: EventType, subject: string): string {
  return `${type}\n${subject}`;
}

function everybodys(of: Occurrences): Occurrences {
  const { keyId: _, userId: __, ...rest } = of;
  return { ...rest, subject: '*' };
}
