import { createHash } from 'node:crypto';
import type { RandomBytes } from '../api-key.ts';

/** A person who has signed in with some browser. Times are epoch milliseconds, by the clock of whoever keeps it. */
export interface Session {
  /** Of no use to sign in with: only the token's hash is in it. */
  id: string;
  userId: string;
  createdAt: number;
  /** When it was touched last. */
  seenAt: number;
  /** From then on there is none, unless it is touched before. */
  expiresAt: number;
  /** Whatever its maker keeps with it. */
  data: string;
}

/** Sessions of all who have signed in. All methods reject where they are kept elsewhere and cannot be reached. */
export interface Sessions {
  /**
   * The token is shown here and never again: it goes into the cookie. Beyond `perUserMax` sessions of a user, those that expire first go. Rejects with
   * RangeError for data of over `dataBytesMax`.
   */
  create(input: { userId: string; data: string }): Promise<{ token: string; session: Session }>;
  /** null: there is none with this token, or no more. Does not prolong it. */
  read(token: string): Promise<Session | null>;
  /** Prolongs it by `idleMs` from now, as far as `lifeMs` lets it; with `data` puts that in place of what it had. null: there is none. */
  touch(token: string, data?: string): Promise<Session | null>;
  /** False: there is none. */
  delete(id: string): Promise<boolean>;
  /** The one that expires first comes first. */
  list(userId: string): Promise<Session[]>;
  /** How many there were. No session of this user that was made before is there afterwards. */
  deleteAll(userId: string): Promise<number>;
}

export interface SessionBounds {
  /** One that is not touched for so long ends. Milliseconds. */
  idleMs: number;
  /** However often it is touched, so long after its beginning it ends. */
  lifeMs: number;
  perUserMax: number;
  dataBytesMax: number;
}

/** Of 32 random bytes. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/;
const idPattern = /^[A-Za-z0-9_-]{16}\.[0-9a-f]{64}$/;

/** What stands for a user in tokens, ids and keys: the same for all their sessions, so that these can be kept in one place. */
export function sessionHome(userId: string): string {
  return createHash('sha256').update(userId).digest('base64url').slice(0, 16);
}

/** A new token of a user, 256 bits of it secret. */
export function newSessionToken(userId: string, random: RandomBytes): string {
  return `${sessionHome(userId)}.${Buffer.from(random(32)).toString('base64url')}`;
}

/** What its session goes by; undefined: it is no token. */
export function sessionIdOf(token: string): string | undefined {
  const [home = '', secret = '', ...rest] = token.split('.');
  if (rest.length > 0 || !secretPattern.test(secret)) return undefined;
  const id = `${home}.${createHash('sha256').update(token).digest('hex')}`;
  return homeOfSession(id) === undefined ? undefined : id;
}

/** undefined: it is no id. */
export function homeOfSession(id: string): string | undefined {
  return idPattern.test(id) ? id.slice(0, id.indexOf('.')) : undefined;
}

/** Throws RangeError for data that is too long. */
export function checkSessionData(data: string, { dataBytesMax }: SessionBounds): void {
  const bytes = Buffer.byteLength(data);
  if (bytes > dataBytesMax)
    throw new RangeError(`data of a session has ${bytes} bytes, and may have ${dataBytesMax}`);
}
