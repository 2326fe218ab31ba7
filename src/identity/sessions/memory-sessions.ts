import type { RandomBytes } from '../api-key.ts';
import {
  checkSessionData,
  homeOfSession,
  newSessionToken,
  type Session,
  type SessionBounds,
  sessionHome,
  sessionIdOf,
  type Sessions,
} from './sessions.ts';

/** Sessions of this process: a restart ends them all. Who asks always gets a copy. */
export function createMemorySessions(
  bounds: SessionBounds,
  parts: { epochMs(): number; random: RandomBytes },
): Sessions {
  const { idleMs, lifeMs, perUserMax } = bounds;
  const { epochMs } = parts;
  /** By home, then by id. Users whose last session has expired are forgotten as others sign in. */
  const homes = new Map<string, Map<string, Session>>();

  const expiryOf = (createdAt: number, nowMs: number): number => Math.min(nowMs + idleMs, createdAt + lifeMs);

  /** Those that live, without the others. */
  function living(home: string): Map<string, Session> | undefined {
    const sessions = homes.get(home);
    if (sessions === undefined) return undefined;
    const nowMs = epochMs();
    for (const [id, { expiresAt }] of sessions) if (expiresAt <= nowMs) sessions.delete(id);
    if (sessions.size > 0) return sessions;
    homes.delete(home);
    return undefined;
  }

  /** A few with each that is made: so as many go as come, however many users there are. */
  let sweep = homes.keys();
  function forgetSome(): void {
    for (let looks = 0; looks < 3; looks += 1) {
      const { value, done } = sweep.next();
      if (done === true) {
        sweep = homes.keys();
        return;
      }
      living(value);
    }
  }

  function find(id: string | undefined): Session | undefined {
    const home = id === undefined ? undefined : homeOfSession(id);
    return id === undefined || home === undefined ? undefined : living(home)?.get(id);
  }

  const ordered = (sessions: Map<string, Session>): Session[] =>
    [...sessions.values()].sort((a, b) => a.expiresAt - b.expiresAt);

  return {
    async create({ userId, data }) {
      checkSessionData(data, bounds);
      forgetSome();
      const home = sessionHome(userId);
      const token = newSessionToken(userId, parts.random);
      const id = sessionIdOf(token)!;
      const createdAt = epochMs();
      const session: Session = {
        ...{ id, userId, createdAt, seenAt: createdAt, data },
        expiresAt: expiryOf(createdAt, createdAt),
      };
      const sessions = living(home) ?? new Map<string, Session>();
      homes.set(home, sessions);
      for (const { id: old } of ordered(sessions).slice(0, Math.max(0, sessions.size + 1 - perUserMax)))
        sessions.delete(old);
      sessions.set(id, session);
      return { token, session: { ...session } };
    },

    async read(token) {
      const session = find(sessionIdOf(token));
      return session === undefined ? null : { ...session };
    },

    async touch(token, data) {
      if (data !== undefined) checkSessionData(data, bounds);
      const session = find(sessionIdOf(token));
      if (session === undefined) return null;
      session.seenAt = epochMs();
      session.expiresAt = expiryOf(session.createdAt, session.seenAt);
      if (data !== undefined) session.data = data;
      return { ...session };
    },

    async delete(id) {
      return find(id) !== undefined && homes.get(homeOfSession(id)!)!.delete(id);
    },

    async list(userId) {
      const sessions = living(sessionHome(userId));
      return sessions === undefined ? [] : ordered(sessions).map((session) => ({ ...session }));
    },

    async deleteAll(userId) {
      const home = sessionHome(userId);
      const count = living(home)?.size ?? 0;
      homes.delete(home);
      return count;
    },
  };
}
