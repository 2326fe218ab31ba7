import type { RedisGuard } from './breaker.ts';
import type { RedisClient } from './client.ts';

/** Instances that share one Redis and prefix, as this one last heard of them. */
export interface MembersState {
  /** Their ids, sorted; this one's is always among them. */
  ids: readonly string[];
  /** This one's place among them, from 0. */
  rank: number;
}

/** Finds the other instances: each says once a second that it is there. */
export interface Members {
  state(): MembersState;
  /** Hears of each change. */
  onChange(listener: (state: MembersState) => void): void;
  /** Says so at once, out of turn: Redis is there, or there again. */
  beat(): Promise<void>;
  /** Nobody shall count on this instance any more. Resolves within the time of a command. */
  leave(): Promise<void>;
  stop(): void;
}

export interface MembersOptions {
  client: Pick<RedisClient, 'eval'>;
  guard: RedisGuard;
  prefix: string;
  /** Of this instance: no other's, and the same after a restart where it can be. */
  id: string;
  /** Of a clock that never goes back, milliseconds. */
  steadyMs(): number;
  /** Calls `work` once; what it returns takes that back. */
  after(ms: number, work: () => void): () => void;
}

const BEAT_MS = 1000;
/** By Redis's clock; one that was not heard of for so long is gone. */
const EXPIRY_MS = 3000;
/**
 * So long one that an answer no longer names is counted all the same: after a loss of Redis's data, or when Redis was away, nobody is
 * named who has not said so again.
 */
const GRACE_MS = 2000;

/** Key: the set of members by the time they were last heard of. Arguments: id, expiry; the id is taken out where the third is 1. */
const beatScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] == '1' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], now, ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

export function createMembers(options: MembersOptions): Members {
  const { client, guard, prefix, id, steadyMs, after } = options;
  const listeners: ((state: MembersState) => void)[] = [];
  /** For how long answers have not named it. */
  const silentMs = new Map<string, number>();
  let lastMs = steadyMs();
  let state: MembersState = { ids: [id], rank: 0 };
  let cancel = (): void => {};
  let gone = false;

  const call = (leaving: boolean): Promise<unknown> =>
    client.eval(beatScript, 1, `${prefix}members`, id, EXPIRY_MS, leaving ? 1 : 0);

  function heard(ids: readonly string[]): void {
    const now = steadyMs();
    for (const one of ids) silentMs.set(one, 0);
    // What passed without an answer, Redis being away, does not count.
    const passed = Math.min(now - lastMs, BEAT_MS);
    lastMs = now;
    for (const [one, silent] of silentMs) {
      if (ids.includes(one)) continue;
      if (silent + passed > GRACE_MS) silentMs.delete(one);
      else silentMs.set(one, silent + passed);
    }
    silentMs.set(id, 0);
    const all = [...silentMs.keys()].sort();
    if (all.join() === state.ids.join()) return;
    state = { ids: all, rank: all.indexOf(id) };
    for (const listener of listeners) listener(state);
  }

  async function beat(): Promise<void> {
    cancel();
    if (gone) return;
    cancel = after(BEAT_MS, () => void beat());
    if (guard.isOpen()) return;
    try {
      const answer = await call(false);
      guard.succeeded();
      if (!gone) heard(answer as string[]);
    } catch (error) {
      guard.failed(error);
    }
  }

  function stop(): void {
    gone = true;
    cancel();
  }

  cancel = after(BEAT_MS, () => void beat());
  return {
    state: () => state,
    onChange(listener) {
      listeners.push(listener);
    },
    beat,
    async leave() {
      stop();
      if (guard.isOpen()) return;
      await call(true).catch((error: unknown) => guard.failed(error));
    },
    stop,
  };
}
