import type { EventHistory, Outbox } from '../events/index.ts';
import type { Ledger } from '../usage/index.ts';
import type {
  BanRow,
  InvoiceRow,
  KeyRow,
  OverrideRow,
  PlanRow,
  PlanTerms,
  PolicyKey,
  UserRow,
} from './rows.ts';
import type { KeyUse, QuotaUseFilter, UsageFilter, UsageLine } from './usage-sums.ts';

export type StoreKind = 'sqlite' | 'postgres';

/** Why the store did not do what was asked. */
export type StoreErrorCode =
  /** It cannot be reached, is read-only or did not answer in time: try again later. */
  | 'unavailable'
  /** Another row has that e-mail, name or hash. */
  | 'conflict'
  /** A value is too long, out of range or names a row that is not there. */
  | 'invalid'
  /** Its schema is newer than this program, or not migrated. */
  | 'schema'
  /** Another process holds the folder. */
  | 'locked';

/** Who opens a store. */
export type StoreRole = 'gateway' | 'command';

/** How to ask the gateway that holds a folder. Whoever may read it there may read and write the store itself, too. */
export interface StoreAdmin {
  /** Of its admin listener. */
  url: string;
  /** One that this listener takes beside the config's: a secret of the gateway's lifetime, to be shown nowhere. */
  token: string;
}

/** A change of what {@link PolicyKey} says. */
export type KeyChange =
  /** One key was made, changed or deleted. */
  | { keyId: string }
  /** A plan was changed, or changes were missed: read all. */
  | 'all';

/** The tables that verbs read and write. Writes that touch more than one row belong into a {@link Store.transaction}. */
export interface Tables {
  readonly users: {
    insert(user: UserRow): Promise<void>;
    /** Of many users, deleted ones too, what they are called, by id. */
    names(ids: readonly string[]): Promise<Map<string, Pick<UserRow, 'email' | 'name'>>>;
    /** By id or e-mail (case of ASCII letters ignored); deleted ones by id only. */
    find(idOrEmail: string): Promise<UserRow | null>;
    /** Not deleted, by e-mail. */
    list(page: { after?: string; limit: number }): Promise<UserRow[]>;
    update(
      id: string,
      change: Partial<Pick<UserRow, 'email' | 'name' | 'tier' | 'quota' | 'updatedAt' | 'deletedAt'>>,
    ): Promise<void>;
    /** The tier a user had the moment before `end`, or else their first one, by the times of `createdAt` and `updatedAt`. */
    tierBefore(id: string, end: number): Promise<string | null>;
  };
  readonly keys: {
    insert(key: KeyRow): Promise<void>;
    get(id: string): Promise<KeyRow | null>;
    /** Of many keys, deleted ones too, what they are called, by id. */
    names(ids: readonly string[]): Promise<Map<string, Pick<KeyRow, 'name' | 'prefix'>>>;
    /** Not deleted: whose id, prefix or name it is. More than one: it is ambiguous. */
    find(idPrefixOrName: string): Promise<KeyRow[]>;
    /** Not deleted, by name and id. `after`: a key's id; nothing follows one that is not there. */
    list(filter: {
      userId?: string;
      name?: string;
      source?: KeyRow['source'];
      after?: string;
      limit: number;
    }): Promise<KeyRow[]>;
    update(
      id: string,
      change: Partial<
        Pick<
          KeyRow,
          | 'sha256'
          | 'prefix'
          | 'name'
          | 'enabled'
          | 'expiresAt'
          | 'previousSha256'
          | 'previousUntil'
          | 'quota'
          | 'deletedAt'
        >
      >,
    ): Promise<void>;
    setOverrides(id: string, overrides: readonly OverrideRow[]): Promise<void>;
  };
  readonly plans: {
    put(plan: PlanRow): Promise<void>;
    get(name: string): Promise<PlanRow | null>;
    list(): Promise<PlanRow[]>;
    /** False where it was not there. */
    delete(name: string): Promise<boolean>;
    /** What a plan cost the moment before `end`, or else at first, by `updatedAt`; deleted plans too. null: there never was one. */
    termsBefore(name: string, end: number): Promise<PlanTerms | null>;
    /** Users, not deleted, of the tier. */
    users(name: string): Promise<number>;
  };
  readonly invoices: {
    /** Gives it the next number of its year. Rejects with `conflict` where the user has one of that month. */
    issue(invoice: Omit<InvoiceRow, 'number'>): Promise<InvoiceRow>;
    find(userId: string, month: string): Promise<InvoiceRow | null>;
    get(number: string): Promise<InvoiceRow | null>;
  };
  /** Events, and where they are to go. In a transaction an event is added with what caused it, or not at all. */
  readonly outbox: Outbox & EventHistory;
  /** Changes are told to those who watch, as by {@link Tables.announce}. */
  readonly bans: {
    /** Makes it the ban of its prefix. False where another is there that began later. */
    put(ban: BanRow): Promise<boolean>;
    /** False where it does not stand any more, or another has come in its place. */
    end(prefix: string, beganAt: number, endedAt: number): Promise<boolean>;
    get(prefix: string): Promise<BanRow | null>;
    /** Those that stand, and those that ended at `endedSince` or later; by prefix. */
    list(page: { endedSince: number; after?: string; limit: number }): Promise<BanRow[]>;
    /** How many stand at a time. */
    count(nowMs: number): Promise<number>;
    /** Deletes those that ended before. */
    forget(endedBefore: number): Promise<void>;
  };
  /**
   * Sums over rollups, one line for each group; sorted by time, key, network, method, status, text by its bytes. A minute
   * counts where it begins in [from, to). With `linesMax` the first of them. On SQLite it is read beside all else, as it was
   * committed before; in a transaction with the transaction's own.
   */
  usage(
    filter: UsageFilter,
    by: readonly ('minute' | 'hour' | 'day' | 'key' | 'network' | 'method' | 'status')[],
    linesMax?: number,
  ): Promise<UsageLine[]>;
  /**
   * By key, what counts for quotas of the UTC day and the month that begin at `starts`, both of one moment. Keys without are left out,
   * and calls without a key. Days are kept for some days, months until the next is over.
   */
  quotaUse(starts: { day: number; month: number }, filter?: QuotaUseFilter): Promise<Map<string, KeyUse>>;
  /**
   * Tells all instances of a change of keys. In a transaction it goes out with the commit, and not at all where that does
   * not come; else to be called after the change.
   */
  announce(change: KeyChange): Promise<void>;
}

/** How the schema stands. */
export interface MigrationStatus {
  applied: { version: number; name: string; appliedAt: number }[];
  /** What {@link Store.migrate} would do, in its order. */
  pending: { version: number; name: string }[];
  /** The schema is of a newer program: this one refuses it. */
  newer: boolean;
}

/**
 * The database, by way of one connection pool or one file. Everything rejects with StoreError. A transaction's `work` may
 * use its own tables only: on SQLite a call of the store's would wait for the transaction's end.
 */
export interface Store extends Tables, Ledger {
  readonly kind: StoreKind;
  /**
   * All or nothing, and as if no other ran at the same time, whichever instance's: `work` may decide by what it reads. It is run
   * again where the database asks for it (serialisation failure, deadlock). `warn` is told of what went wrong after the commit: what
   * was to be done is done then.
   */
  transaction<T>(work: (tables: Tables) => Promise<T>, warn?: (message: string) => void): Promise<T>;
  /** All keys the policy may need, not deleted, not of the config, by the thousand. */
  policyKeys(): AsyncIterable<PolicyKey[]>;
  policyKey(id: string): Promise<PolicyKey | null>;
  /** How many there are, those of deleted users among them. */
  policyKeyCount(): Promise<number>;
  /**
   * Says of each change after it was committed, whoever made it; returns how to end it. On PostgreSQL it says `all` once it
   * listens, and again whenever it had to connect anew.
   */
  watchKeys(onChange: (change: KeyChange) => void): () => void;
  /** The same of bans: the prefix of each that was made, changed or ended, or `all`. */
  watchBans(onChange: (prefix: string) => void): () => void;
  /**
   * Makes rows of the keys of an instance's config. Those that no instance has named for a day, or this one has no longer and no other
   * either, are marked deleted, and back again when they return. A key whose hash another row has is left out: the names of such.
   */
  mirrorConfigKeys(
    keys: readonly Pick<KeyRow, 'id' | 'sha256' | 'prefix' | 'name' | 'enabled' | 'expiresAt'>[],
    instance: string,
  ): Promise<string[]>;
  /** Deletes what is older than its retention; makes partitions ahead. Milliseconds of age, Infinity: keep. */
  maintain(retention: {
    minutesMs: number;
    hoursMs: number;
    daysMs: number;
    rawMs: number;
    eventsMs: number;
    /** How many events are kept. */
    eventsMax: number;
  }): Promise<void>;
  migrationStatus(): Promise<MigrationStatus>;
  /** Brings the schema up to date, as `openStore` does by itself; two instances at once may. What was done. */
  migrate(): Promise<MigrationStatus['pending']>;
  /**
   * SQLite: a copy of the whole, while others write. Rejects with `conflict` where the file is there already, and with
   * `invalid` on PostgreSQL, whose own tools do it.
   */
  backup(file: string): Promise<void>;
  /** Rejects where it does not answer or cannot be written to. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
