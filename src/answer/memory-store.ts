import { createDoorkeeper } from './doorkeeper.ts';
import { Sieve } from './sieve.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** Totals since it was made; `bytes` and `entries` are what is kept now. */
export interface StoreStats {
  stores: number;
  /** Given up for want of room. */
  evictions: number;
  /** Dropped because a reorg made them doubtful; those kept with the head not counted. */
  reorgDrops: number;
  /** Keys, answers and what holds them. */
  bytes: number;
  entries: number;
}

export interface StoreBounds {
  maxBytes: number;
  /** Of one answer with its key. */
  maxEntryBytes: number;
}

/**
 * Where one network's answers are kept in this worker's memory, never above its bounds. It decides on nothing but what to give up: what may be
 * kept and for how long was found out before, and it is told when the chain moves.
 */
export interface MemoryStore {
  /** What it has for the key at this time, monotonic microseconds. */
  find(key: string, hash: number, now: number): KeptAnswer | undefined;
  /** Takes the place of what it had for the key. Something else may have to go, or this itself. */
  keep(answer: KeptAnswer): void;
  /** The head moved: whatever is kept with it goes. */
  moved(): void;
  /** Blocks from this number on are others now. */
  reorged(from: number): void;
  /** All of it goes. */
  clear(): void;
  /**
   * Is an answer of so many bytes worth its room? Yes while there is some; then only one that was asked for before, as
   * far back as this store reaches itself: calls that never come again leave what is there alone.
   */
  welcomes(hash: number, size: number): boolean;
  setBounds(bounds: StoreBounds): void;
  stats(): StoreStats;
}

/**
 * Answers that are kept with the head stand by themselves, so that all of them go at once when it moves, without a look at
 * each. Where room is wanted, the larger half of the two gives it: a flood of calls at the head leaves half to what lasts.
 */
export function createMemoryStore(first: StoreBounds): MemoryStore {
  let bounds = first;
  const near = new Sieve<KeptAnswer>();
  const lasting = new Sieve<KeptAnswer>();
  const doorkeeper = createDoorkeeper();
  const totals = { stores: 0, evictions: 0, reorgDrops: 0 };

  /** For so many bytes more of each of the two. */
  function makeRoom(nearBytes: number, lastingBytes: number): void {
    while (near.bytes + nearBytes + lasting.bytes + lastingBytes > bounds.maxBytes) {
      const nearFirst = near.bytes + nearBytes > lasting.bytes + lastingBytes;
      // The larger one may be all newcomer.
      if (!(nearFirst ? near : lasting).evict() && !(nearFirst ? lasting : near).evict()) return;
      totals.evictions++;
    }
  }

  function find(hash: number): KeptAnswer | undefined {
    return near.find(hash) ?? lasting.find(hash);
  }

  function remove(answer: KeptAnswer): void {
    (answer.withHead ? near : lasting).remove(answer.hash);
  }

  return {
    welcomes(hash, size) {
      if (near.bytes + lasting.bytes + size <= bounds.maxBytes) return true;
      doorkeeper.widen(near.count + lasting.count);
      return doorkeeper.knows(hash);
    },
    find(key, hash, now) {
      const answer = find(hash);
      if (answer === undefined || answer.key !== key) return undefined;
      if (answer.until > now) {
        answer.used = true;
        return answer;
      }
      remove(answer);
      return undefined;
    },
    keep(answer) {
      if (answer.size > bounds.maxEntryBytes || answer.size > bounds.maxBytes) return;
      // Also one of another key: which of two it finds must never be in question.
      for (let before = find(answer.hash); before !== undefined; before = find(answer.hash)) remove(before);
      makeRoom(answer.withHead ? answer.size : 0, answer.withHead ? 0 : answer.size);
      (answer.withHead ? near : lasting).add(answer);
      totals.stores++;
    },
    moved: () => near.clear(),
    reorged(from) {
      near.clear();
      totals.reorgDrops += lasting.dropWhere(({ height }) => height >= from);
    },
    clear() {
      near.clear();
      lasting.clear();
    },
    setBounds(next) {
      bounds = next;
      makeRoom(0, 0);
    },
    stats: () => ({
      ...totals,
      bytes: near.bytes + lasting.bytes,
      entries: near.count + lasting.count,
    }),
  };
}
