import type { RedisGuard } from './breaker.ts';
import type { RedisClient } from './client.ts';

/** Instances that share one Redis and prefix, as this one last heard of them. */
export interface MembersState {
  /** Their ids, one for each, sorted; this one's is always among them. */
  ids: readonly string[];
  /** This one's place among them, from 0. */
  rank: number;
  /** Another that lives has this one's id: a state folder was copied, or two use it. Each counts for itself all the same. */
  twin: boolean;
}

/** Finds the other instances: each says once a second that it is there. */
export interface Members {
  state(): MembersState;
  /** Hears of each change. */
  onChange(listener: (state: MembersState) => void): void;
  /** Hears once that Redis has named all; at once where it has already. Until then nothing is known of others. */
  onNamed(listener: () => void): void;
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
  /** Of this instance: the same after a restart where it can be, and then, by mistake, another's too. No `/` in it. */
  id: string;
  /** Of this run of it: no other's, ever. No `/` in it. */
  run: string;
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

/** A run takes the place of one before it with its first beat; a run that lives still comes back with its next one, and is a twin. */
const what = { joining: 0, staying: 1, leaving: 2 } as const;

/** Key: the set of members, `id/run`, by the time they were last heard of. Arguments: id, run, expiry, `what`. */
const beatScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, me = ARGV[1] .. '/', ARGV[1] .. '/' .. ARGV[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
if ARGV[4] == '0' then
  for _, one in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if string.sub(one, 1, #id) == id then redis.call('ZREM', KEYS[1], one) end
  end
end
if ARGV[4] == '2' then redis.call('ZREM', KEYS[1], me) else redis.call('ZADD', KEYS[1], now, me) end
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[3])
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

const idOf = (member: string): string => member.split('/', 1)[0]!;

export function createMembers(options: MembersOptions): Members {
  const { client, guard, prefix, id, run, steadyMs, after } = options;
  const me = `${id}/${run}`;
  const listeners: ((state: MembersState) => void)[] = [];
  /** For how long answers have not named it, by member. */
  const silentMs = new Map<string, number>([[me, 0]]);
  let members = me;
  let lastMs = steadyMs();
  let state: MembersState = { ids: [id], rank: 0, twin: false };
  let joined = false;
  /** null: they have heard. */
  let waiting: (() => void)[] | null = [];
  let cancel = (): void => {};
  let gone = false;

  const call = (how: number): Promise<unknown> =>
    client.eval(beatScript, 1, `${prefix}members`, id, run, EXPIRY_MS, how);

  function heard(named: readonly string[]): void {
    const now = steadyMs();
    const ids = new Set(named.map(idOf));
    for (const one of named) silentMs.set(one, 0);
    // What passed without an answer, Redis being away, does not count.
    const passed = Math.min(now - lastMs, BEAT_MS);
    lastMs = now;
    for (const [one, silent] of silentMs) {
      if (named.includes(one)) continue;
      // Another run has taken its place.
      if (ids.has(idOf(one)) || silent + passed > GRACE_MS) silentMs.delete(one);
      else silentMs.set(one, silent + passed);
    }
    silentMs.set(me, 0);
    const all = [...silentMs.keys()].sort();
    if (all.join() === members) return;
    members = all.join();
    const twin = all.some((one) => one !== me && idOf(one) === id);
    state = { ids: all.map(idOf), rank: all.indexOf(me), twin };
    for (const listener of listeners) listener(state);
  }

  async function beat(): Promise<void> {
    cancel();
    if (gone) return;
    cancel = after(BEAT_MS, () => void beat());
    if (guard.isOpen()) return;
    try {
      const answer = await call(joined ? what.staying : what.joining);
      guard.succeeded();
      joined = true;
      if (gone) return;
      heard(answer as string[]);
      for (const listener of waiting ?? []) listener();
      waiting = null;
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
    onNamed(listener) {
      if (waiting === null) listener();
      else waiting.push(listener);
    },
    beat,
    async leave() {
      stop();
      if (guard.isOpen()) return;
      await call(what.leaving).catch((error: unknown) => guard.failed(error));
    },
    stop,
  };
}
