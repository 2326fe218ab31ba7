import { randomUUID } from 'node:crypto';
import type { KeyRow, PlanRow, UserRow } from '../rows.ts';
import type { Store } from '../store.ts';

/** A store under test, and what only the tests may do with it. */
export interface Subject {
  store: Store;
  /** Another instance's store on the same database; null where a database has one at most. */
  another: (() => Promise<Store>) | null;
  /** Runs SQL past the store. Rejects with the driver's error. */
  sql(text: string): Promise<void>;
  /** Rows of `usage_logs` of a key; null: of no key. */
  countLogs(keyId: string | null): Promise<number>;
  /** The store's clock, in milliseconds since the epoch; to be set. */
  clock: { now: number };
  /** Closes and removes all. */
  end(): Promise<void>;
}

/** What the suite asks for: a new subject each time, migrated and empty. */
export type OpenSubject = () => Promise<Subject>;

/** 2026-11-28T12:00:00Z, when nothing else is said. */
export const noon = Date.UTC(2026, 10, 28, 12);

/** A user who is like no other. */
export function user(values: Partial<UserRow> = {}): UserRow {
  const id = randomUUID();
  return {
    id,
    email: `${id}@example.com`,
    name: 'Ada',
    tier: 'free',
    quota: null,
    createdAt: noon,
    updatedAt: noon,
    deletedAt: null,
    ...values,
  };
}

/** A key that is like no other, of no user. */
export function key(values: Partial<KeyRow> = {}): KeyRow {
  const id = randomUUID();
  const digits = id.replaceAll('-', '');
  return {
    id,
    userId: null,
    source: 'store',
    sha256: digits + digits,
    prefix: digits.slice(0, 8),
    name: `key ${id}`,
    enabled: true,
    expiresAt: null,
    previousSha256: null,
    previousUntil: null,
    quota: null,
    overrides: [],
    createdAt: noon,
    lastUsedAt: null,
    deletedAt: null,
    ...values,
  };
}

/** A plan that asks for nothing. */
export function plan(values: Partial<PlanRow> = {}): PlanRow {
  return {
    name: `plan-${randomUUID().slice(0, 8)}`,
    currency: 'EUR',
    monthlyFee: 0n,
    includedUnits: 0n,
    price: 0n,
    pricePer: 1n,
    limits: [],
    quota: null,
    userQuota: null,
    createdAt: noon,
    updatedAt: noon,
    ...values,
  };
}
