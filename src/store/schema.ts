import type { ColumnType, Generated, RawBuilder } from 'kysely';
import type { StoreKind } from './store.ts';

type Flag = ColumnType<boolean | number, boolean, boolean>;
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** What queries see of the tables, in both dialects. Times are epoch milliseconds, json is text: see {@link Dialect}. */
export interface Schema {
  schema_migrations: { version: number; name: string; applied_at: number };
  users: {
    id: string;
    email: string;
    name: string;
    tier: string;
    quota: Optional<string>;
    created_at: number;
    updated_at: number;
    deleted_at: Optional<number>;
  };
  api_keys: {
    id: string;
    user_id: Optional<string>;
    source: string;
    key_hash: string;
    key_prefix: string;
    name: string;
    enabled: Flag;
    expires_at: Optional<number>;
    previous_hash: Optional<string>;
    previous_until: Optional<number>;
    quota: Optional<string>;
    created_at: number;
    last_used_at: Optional<number>;
    deleted_at: Optional<number>;
  };
  rate_limit_overrides: {
    api_key_id: string;
    method: string;
    requests: number;
    period: number;
    burst_size: number;
  };
  config_keys: { api_key_id: string; instance: string; named_at: number };
  plans: {
    name: string;
    currency: string;
    monthly_fee: bigint;
    included_units: bigint;
    price: bigint;
    price_per: bigint;
    limits: string;
    quota: Optional<string>;
    user_quota: Optional<string>;
    created_at: number;
    updated_at: number;
  };
  user_tiers: { user_id: string; at: number; tier: string };
  plan_terms: {
    plan: string;
    at: number;
    currency: string;
    monthly_fee: bigint;
    included_units: bigint;
    price: bigint;
    price_per: bigint;
  };
  invoices: {
    number: string;
    user_id: string;
    month: string;
    currency: string;
    total: bigint;
    document: string;
    issued_at: number;
  };
  bans: {
    prefix: string;
    reason: string;
    set_by: string;
    times: number;
    began_at: number;
    until: Optional<number>;
    ended_at: Optional<number>;
  };
  invoice_numbers: { year: number; last: number };
  outbox: {
    number: Generated<number>;
    id: string;
    type: string;
    subject: string;
    severity: string;
    api_key_id: Optional<string>;
    user_id: Optional<string>;
    at: number;
    event: string;
    routed: Flag;
  };
  outbox_deliveries: {
    event: number;
    sink: string;
    subject: string;
    state: string;
    attempts: number;
    due_at: number;
    claimed_by: Optional<string>;
    claimed_until: Optional<number>;
    problem: Optional<string>;
    done_at: Optional<number>;
  };
  outbox_sinks: { name: string; config: string; disabled_at: number; problem: string };
  usage_logs: { api_key_id: Optional<string>; method: string; status: string; timestamp: number };
  journal_segments: { name: string; offset: number; closed: Flag; applied_at: number };
  usage_minutes: UsageTable;
  usage_hours: UsageTable;
  usage_days: UsageTable;
  quota_sums: { period: string; at: number; api_key_id: string; requests: number; cost: number };
}

/** A rollup; its histogram is read by {@link Dialect.latency}. */
interface UsageTable {
  at: number;
  api_key_id: string;
  network: string;
  method: string;
  status: string;
  kind: string;
  calls: number;
  cost: number;
  errors: number;
  bytes_in: number;
  bytes_out: number;
  latency_micros: number;
}

/** Tables whose rows are deleted once they are old. */
export type AgingTable = 'usage_minutes' | 'usage_hours' | 'usage_days' | 'usage_logs' | 'quota_sums';

/** Where the two databases differ for the queries that they share. */
export interface Dialect {
  readonly kind: StoreKind;
  /** A time as a parameter. */
  time(ms: number): number;
  time(ms: number | null): number | null;
  /** A truth value as a parameter; read it back with `Boolean`. */
  flag(value: boolean): boolean;
  /** Calls of a rollup's row in this bucket of its histogram. */
  latency(bucket: number): RawBuilder<number>;
  /** Whether a row of the table is one of those that it has by the rest of a select (`where …`). */
  isAmong(table: AgingTable, rest: RawBuilder<unknown>): RawBuilder<boolean>;
  /** The column `at` rounded down to a unit of so many milliseconds. */
  floorAt(unitMs: number): RawBuilder<number>;
}
