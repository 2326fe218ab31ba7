import type { EventHistory, Outbox } from '../events/index.ts';
import type { Ledger, UsageStatus } from '../usage/index.ts';

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

/** Times are epoch milliseconds, UTC. Ids are UUIDs in lower case. */
export interface UserRow {
  id: string;
  email: string;
  name: string;
  /** A plan's name; `free` where none was given. */
  tier: string;
  /** Of all its keys together; null: its plan's. */
  quota: QuotaRow | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** As in `rate_limit_overrides`. `method`: a name or pattern, `group:<name>`, or `*`. `periodMs` in milliseconds. */
export interface OverrideRow {
  method: string;
  requests: number;
  periodMs: number;
  burstSize: number;
}

export interface QuotaRow {
  unit: 'requests' | 'cost';
  limit: number;
  period: 'day' | 'month';
  /** Percentages, ascending. */
  warnAt: number[];
}

export interface KeyRow {
  id: string;
  /** null: a key of the config that belongs to no user. */
  userId: string | null;
  /** `config`: mirrored; what holds of it is in the config file. */
  source: 'store' | 'config';
  /** Hex, 64 characters. */
  sha256: string;
  /** 8 characters. */
  prefix: string;
  name: string;
  enabled: boolean;
  /** null: never. */
  expiresAt: number | null;
  /** The hash before the last rotation, and until when it is taken too. */
  previousSha256: string | null;
  previousUntil: number | null;
  /** Its own; null: its plan's. */
  quota: QuotaRow | null;
  overrides: OverrideRow[];
  createdAt: number;
  lastUsedAt: number | null;
  deletedAt: number | null;
}

/** What a tier means: limits and quota of its keys, and what their usage costs. */
export interface PlanRow {
  name: string;
  /** ISO 4217. */
  currency: string;
  /** Smallest units of the currency a month. */
  monthlyFee: bigint;
  /** Cost units a month that the fee includes. */
  includedUnits: bigint;
  /** `price` smallest units for each `pricePer` cost units beyond. */
  price: bigint;
  pricePer: bigint;
  /** Limits of each of its keys, as a key's own; overrides go before them. */
  limits: OverrideRow[];
  /** Of each of its keys. */
  quota: QuotaRow | null;
  /** Of all keys of a user together. */
  userQuota: QuotaRow | null;
  createdAt: number;
  updatedAt: number;
}

/** What of a plan an invoice goes by. */
export type PlanTerms = Pick<
  PlanRow,
  'name' | 'currency' | 'monthlyFee' | 'includedUnits' | 'price' | 'pricePer'
>;

/** What the policy needs of a key: its user's plan worked in. */
export interface PolicyKey {
  id: string;
  sha256: string;
  previousSha256: string | null;
  previousUntil: number | null;
  prefix: string;
  name: string;
  userId: string | null;
  enabled: boolean;
  expiresAt: number | null;
  overrides: OverrideRow[];
  quota: QuotaRow | null;
  /** Of all keys of its user together. */
  userQuota: QuotaRow | null;
}

export interface UsageFilter {
  keyIds?: readonly string[];
  userId?: string;
  /** Epoch milliseconds: [from, to). */
  from?: number;
  to?: number;
  /** Only what comes later in the order of lines by key, network, method and status: for one part after the other, with `linesMax`. */
  after?: { keyId: string; network: string; method: string; status: string };
}

export interface QuotaUseFilter {
  /** Is `userId` wanted? */
  users?: boolean;
  keyIds?: readonly string[];
  userIds?: readonly string[];
}

export interface UsageLine {
  /** Beginning of the minute, hour or day; null where not asked by time. */
  at: number | null;
  keyId: string | null;
  network: string | null;
  method: string | null;
  status: UsageStatus | null;
  calls: number;
  /** Of `calls`, those that a limit or quota refused. */
  refused: number;
  cost: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
  latencyMicros: number;
  /** Calls by `latencyBucket`. */
  latency: number[];
  events: number;
}

export interface InvoiceRow {
  /** `2026-000001`, without a gap within a year. */
  number: string;
  userId: string;
  /** `2026-11`. */
  month: string;
  currency: string;
  total: bigint;
  /** The whole invoice as it was issued. */
  document: unknown;
  issuedAt: number;
}

/** An address or network that is refused: a row for each that was within memory. */
export interface BanRow {
  /** Canonical text, an address alone without its length. */
  prefix: string;
  /** At most 500 characters. */
  reason: string;
  /** `auto`, or who did it; at most 255 characters. */
  by: string;
  /** How often it has been banned, this time included. */
  times: number;
  beganAt: number;
  /** null: until it is lifted. */
  until: number | null;
  /** null: it stands. */
  endedAt: number | null;
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
    list(filter: {
      userId?: string;
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
    /** Makes it the ban of its prefix. */
    put(ban: BanRow): Promise<void>;
    /** False where it does not stand any more, or another has come in its place. */
    end(prefix: string, beganAt: number, endedAt: number): Promise<boolean>;
    get(prefix: string): Promise<BanRow | null>;
    /** Those that stand, and those that ended at `endedSince` or later; by prefix. */
    list(page: { endedSince: number; after?: string; limit: number }): Promise<BanRow[]>;
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
   * Of what counts for its quota, calls and events: by key, in [from, to). Keys without are left out, and calls without a key. Of these
   * keys, of those that these users have or had, or of all. `userId` is told with `users` only, and null for a key that is nobody's.
   */
  quotaUse(
    from: number,
    to: number,
    filter?: QuotaUseFilter,
  ): Promise<Map<string, { requests: number; cost: number; userId: string | null }>>;
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
   * again where the database asks for it (serialisation failure, deadlock).
   */
  transaction<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
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
