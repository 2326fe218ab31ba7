import { layout } from './memory.ts';
import type { LimitsMemory } from './memory.ts';

const { headerBytes, lockLineWords, shardCount } = layout;

const free = 0;
/** Somebody sleeps on the word: whoever frees it must wake one. */
const sleepers = 0x4000_0000;
const spins = 100;
/** A sleeper looks again after this long: the one who was woken, or should have woken it, may have been ended. */
const sliceMs = 5;
/** Main gives up after this long: while it waits it cannot hear that the holder died. */
const mainPatienceMs = 250;

/**
 * Main could not get a shard within 250 ms, most likely since its holder was ended and main, waiting, could not
 * hear of it. Nothing was taken; ask again from another turn of the event loop.
 */
export class LimitsBusyError extends Error {
  readonly code = 'limits_busy';
  override readonly name = 'LimitsBusyError';
}

/** Locks of the shards of `low` (bits 0–31) and `high` (32–63). Not re-entrant. */
export interface ShardLocks {
  /** Takes all, in order, so that no two threads wait for each other. Only main throws: LimitsBusyError. */
  acquire(low: number, high: number): void;
  release(low: number, high: number): void;
  /** Runs `work` with the lock of one shard. */
  locked<T>(shard: number, work: () => T): T;
  /** Frees what a thread held that has exited. */
  releaseDead: (owner: number) => void;
}

/**
 * The lock word of a shard holds its owner, plus one bit if anybody sleeps on it (U. Drepper, "Futexes Are
 * Tricky", mutex 2). A short spin comes first: a holder needs well under a microsecond.
 */
export function createShardLocks(memory: LimitsMemory, owner: number): ShardLocks {
  const words = new Int32Array(memory.table, 0, headerBytes / 4);
  const mine = owner + 1;

  // Highest first: any one order will do, and the highest bit of a word costs least to find.
  function acquire(low: number, high: number): void {
    for (let rest = high; rest !== 0; ) {
      const bit = 31 - Math.clz32(rest);
      const at = (bit + 32) * lockLineWords;
      if (Atomics.compareExchange(words, at, free, mine) !== free && !wait(at)) giveUp(0, high ^ rest);
      rest ^= 1 << bit;
    }
    for (let rest = low; rest !== 0; ) {
      const bit = 31 - Math.clz32(rest);
      const at = bit * lockLineWords;
      if (Atomics.compareExchange(words, at, free, mine) !== free && !wait(at)) giveUp(low ^ rest, high);
      rest ^= 1 << bit;
    }
  }

  function release(low: number, high: number): void {
    for (let rest = high; rest !== 0; ) {
      const bit = 31 - Math.clz32(rest);
      releaseOne((bit + 32) * lockLineWords);
      rest ^= 1 << bit;
    }
    for (let rest = low; rest !== 0; ) {
      const bit = 31 - Math.clz32(rest);
      releaseOne(bit * lockLineWords);
      rest ^= 1 << bit;
    }
  }

  function locked<T>(shard: number, work: () => T): T {
    const low = shard < 32 ? 1 << shard : 0;
    const high = shard < 32 ? 0 : 1 << (shard - 32);
    acquire(low, high);
    try {
      return work();
    } finally {
      release(low, high);
    }
  }

  function releaseOne(at: number): void {
    if (Atomics.exchange(words, at, free) !== mine) Atomics.notify(words, at, 1);
  }

  function giveUp(low: number, high: number): never {
    release(low, high);
    throw new LimitsBusyError('a shard of the bucket table stayed locked for 250 ms');
  }

  /** False only on main, out of patience. */
  function wait(at: number): boolean {
    for (let spin = 0; spin < spins; spin++) {
      if (Atomics.load(words, at) === free && Atomics.compareExchange(words, at, free, mine) === free)
        return true;
    }
    const deadline = owner === 0 ? performance.now() + mainPatienceMs : Number.POSITIVE_INFINITY;
    for (;;) {
      const seen = Atomics.load(words, at);
      if (seen === free) {
        // Others may still sleep, so the bit is kept: at worst one wake-up too many.
        if (Atomics.compareExchange(words, at, free, mine | sleepers) === free) return true;
        continue;
      }
      const marked = seen | sleepers;
      if (seen !== marked && Atomics.compareExchange(words, at, seen, marked) !== seen) continue;
      Atomics.wait(words, at, marked, sliceMs);
      if (performance.now() > deadline) return false;
    }
  }

  function releaseDead(dead: number): void {
    for (let shard = 0; shard < shardCount; shard++) {
      const at = shard * lockLineWords;
      for (;;) {
        const seen = Atomics.load(words, at);
        if ((seen & ~sleepers) !== dead + 1) break;
        if (Atomics.compareExchange(words, at, seen, free) === seen) break;
      }
      // Also where it held nothing: it may have been ended between being woken and taking the lock.
      Atomics.notify(words, at);
    }
  }

  return { acquire, release, locked, releaseDead };
}
