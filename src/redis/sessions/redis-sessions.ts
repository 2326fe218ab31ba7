import {
  checkSessionData,
  homeOfSession,
  newSessionToken,
  type RandomBytes,
  type Session,
  type SessionBounds,
  sessionHome,
  sessionIdOf,
  type Sessions,
} from '../../identity/index.ts';
import { guarded, type RedisGuard } from '../breaker.ts';
import type { RedisClient } from '../client.ts';
import { callScript, type Script } from '../script.ts';
import {
  createSessionScript,
  deleteSessionScript,
  deleteSessionsScript,
  listSessionsScript,
  readSessionScript,
  touchSessionScript,
} from './scripts.ts';

export interface RedisSessionsOptions {
  client: RedisClient;
  guard: RedisGuard;
  /** Before each key, such as `pp:`. */
  prefix: string;
  random: RandomBytes;
}

/** Sessions of all instances, in Redis: each of them knows who signed in at another. Times are Redis's own. */
export function createRedisSessions(bounds: SessionBounds, options: RedisSessionsOptions): Sessions {
  const { client, guard } = options;
  const { idleMs, lifeMs, perUserMax } = bounds;
  /** Before an id; with `all` the key of all of the home. */
  const before = (home: string): string => `${options.prefix}{session:${home}}:`;

  const call = (
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> => guarded(guard, () => callScript(client, script, keys, args));
  const keysOf = (id: string): [session: string, all: string] => {
    const home = before(homeOfSession(id)!);
    return [home + id, `${home}all`];
  };

  return {
    async create({ userId, data }) {
      checkSessionData(data, bounds);
      const token = newSessionToken(userId, options.random);
      const id = sessionIdOf(token)!;
      const args = [id, userId, data, idleMs, lifeMs, perUserMax, before(sessionHome(userId))];
      const fields = await call(createSessionScript, keysOf(id), args);
      return { token, session: sessionOf(id, fields)! };
    },

    async read(token) {
      const id = sessionIdOf(token);
      if (id === undefined) return null;
      return sessionOf(id, await call(readSessionScript, keysOf(id), [id]));
    },

    async touch(token, data) {
      if (data !== undefined) checkSessionData(data, bounds);
      const id = sessionIdOf(token);
      if (id === undefined) return null;
      const args = [id, idleMs, lifeMs, ...(data === undefined ? [] : [data])];
      return sessionOf(id, await call(touchSessionScript, keysOf(id), args));
    },

    async delete(id) {
      if (homeOfSession(id) === undefined) return false;
      return (await call(deleteSessionScript, keysOf(id), [id])) === 1;
    },

    async list(userId) {
      const home = before(sessionHome(userId));
      const found = (await call(listSessionsScript, [`${home}all`], [home])) as [string, unknown][];
      return found.flatMap(([id, fields]) => sessionOf(id, fields) ?? []);
    },

    async deleteAll(userId) {
      const home = before(sessionHome(userId));
      return (await call(deleteSessionsScript, [`${home}all`], [home])) as number;
    },
  };
}

/** Of the names and values of a hash, in turn; null: there are none. */
function sessionOf(id: string, fields: unknown): Session | null {
  const texts = fields as string[];
  const of = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) of.set(texts[at]!, texts[at + 1]!);
  const [userId, data] = [of.get('user'), of.get('data')];
  if (userId === undefined || data === undefined) return null;
  const time = (name: string): number => Number(of.get(name));
  return {
    ...{ id, userId, data },
    ...{ createdAt: time('created'), seenAt: time('seen'), expiresAt: time('expires') },
  };
}
