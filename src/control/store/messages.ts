import type { Outbox } from '../../events/index.ts';
import type { ApplierSettings, ApplierState } from '../../usage/index.ts';
import type { ToldChange } from '../blocklist/ban-journal.ts';
import type { BanRow, KeyRow, StoreErrorCode } from '../../store/index.ts';
import type { PackedKeys } from './packed-keys.ts';

/** What the store thread is started with (`workerData`). */
export interface StoreStart {
  store: { kind: 'sqlite'; folder: string } | { kind: 'postgres'; url: string };
  journal: { folder: string; run: string };
  settings: StoreSettings;
  configKeys: ConfigKeyRow[];
  /** The config's groups of methods. */
  groups: string[];
  /** Names of its sinks. */
  sinks: string[];
  /** Names this instance in the store: the same after a restart. */
  instance: string;
}

export type StoreChange = Pick<StoreStart, 'settings' | 'configKeys' | 'groups' | 'sinks'>;

/** What a reload may change. */
export interface StoreSettings {
  applier: ApplierSettings;
  /** Milliseconds of age. */
  retention: {
    minutesMs: number;
    hoursMs: number;
    daysMs: number;
    rawMs: number;
    eventsMs: number;
    eventsMax: number;
  };
}

export type ConfigKeyRow = Pick<KeyRow, 'id' | 'sha256' | 'prefix' | 'name' | 'enabled' | 'expiresAt'>;

/** Cost units and requests of one subject, of a UTC day or month. */
export interface Use {
  requests: number;
  cost: number;
}

/** What the ledger says of the present periods of a key, or of all keys that a user has or had. */
export interface SubjectUse {
  /** The key's id, or {@link userSubject}. */
  id: string;
  day: Use;
  month: Use;
  /** Of `day` and `month`, what came from journals of this run. */
  ownDay: Use;
  ownMonth: Use;
}

/** A user where quotas are counted: no key's id begins so. */
export function userSubject(userId: string): string {
  return `user:${userId}`;
}

/** The id of the user; undefined: the subject is a key. */
export function userOfSubject(subject: string): string | undefined {
  return subject.startsWith('user:') ? subject.slice(5) : undefined;
}

/** What was read, and of which day and month: those that `nowMs` lies in, or later ones where the clock was set back. */
export interface QuotaUse {
  /** Epoch milliseconds at which they begin, UTC. */
  starts: { day: number; month: number };
  uses: SubjectUse[];
}

export interface UseQuestion {
  nowMs: number;
  /** `changed`: those that used more elsewhere since `all` or `changed` was asked last. `new`: as `all`, and no look of its own. */
  of: 'all' | 'changed' | 'new';
  /** Of these; null: of all that used anything this month. */
  subjects: readonly string[] | null;
  /** With `subjects` null: of users too. */
  users: boolean;
}

/** What main asks, by name, and what it is answered. */
export interface StoreRequests {
  /** How many keys there are. */
  'keys.count': { input: null; answer: number };
  /** Begins to read all keys anew; the first piece. null: that was the last. */
  'keys.first': { input: null; answer: PackedKeys | null };
  'keys.next': { input: null; answer: PackedKeys | null };
  /** All is applied that the journals hold now; false: the store refused. */
  flush: { input: null; answer: boolean };
  /** What keys and users have used in the periods that `nowMs` lies in. */
  'quota.use': { input: UseQuestion; answer: QuotaUse };
  /** Bans that stand, and those that ended since. */
  'bans.read': { input: { endedSince: number }; answer: BanRow[] };
  /** Of these prefixes, as they are now. */
  'bans.of': { input: { prefixes: string[] }; answer: BanRow[] };
  /** Deletes bans that ended before. */
  'bans.forget': { input: { endedBefore: number }; answer: null };
  /** For each change whether it was made; see `writeBans`. */
  'bans.write': { input: ToldChange[]; answer: boolean[] };
  operation: { input: { name: string; input: unknown }; answer: unknown };
  /** One of the outbox's methods. */
  outbox: { input: { verb: OutboxVerb; args: readonly unknown[] }; answer: unknown };
}

export type OutboxVerb = keyof Outbox;

export type RequestName = keyof StoreRequests;

export type ToStore =
  | { type: 'ask'; ask: number; name: RequestName; input: unknown }
  | {
      type: 'settings';
      settings: StoreSettings;
      configKeys: ConfigKeyRow[];
      groups: string[];
      sinks: string[];
    }
  /** Applies what is left within `flushMs`, closes, says `closed` and ends. */
  | { type: 'close'; flushMs: number };

export type FromStore =
  | { type: 'answer'; ask: number; answer: unknown }
  | { type: 'failed'; ask: number; error: StoreFailure }
  | { type: 'state'; state: StoreState }
  /** What holds of one key from now on; null: it is gone. */
  | { type: 'key'; id: string; key: PackedKeys | null }
  /** Changes were missed or concern many: all are to be read. */
  | { type: 'keys' }
  /** A ban was made, changed or ended, by whomever. */
  | { type: 'ban'; ban: BanRow }
  /** Changes of bans may have been missed: all are to be read. */
  | { type: 'bans' }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; msg: string; fields: Record<string, unknown> }
  /** The store can never be opened as it is; the thread ends. */
  | { type: 'unusable'; code: StoreErrorCode; message: string }
  | { type: 'closed'; flushed: boolean };

/** An error on its way between threads. `kind` says whose `code` is. */
export interface StoreFailure {
  kind: 'store' | 'accounts' | 'other';
  code: string;
  message: string;
}

export interface StoreState {
  /** Open, and it answers. */
  up: boolean;
  /** Epoch milliseconds since when that is so. */
  sinceMs: number;
  /** Why it is not; null: it is, or was not asked yet. */
  problem: string | null;
  journals: ApplierState;
}
