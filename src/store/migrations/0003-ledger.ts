import type { Migration } from './migration.ts';

const rollups = ['usage_minutes', 'usage_hours', 'usage_days'];
const sqliteLatency = Array.from(
  { length: 24 },
  (_, bucket) => `  latency_${bucket} integer not null,\n`,
).join('');

const postgresRollup = (name: string): string => `
create table ${name} (
  at timestamptz not null,
  api_key_id uuid not null,
  network varchar(50) collate "C" not null,
  method varchar(50) collate "C" not null,
  status varchar(8) collate "C" not null check (status in ('allowed', 'burst', 'exceeded')),
  kind varchar(5) collate "C" not null check (kind in ('call', 'event')),
  calls bigint not null,
  cost bigint not null,
  errors bigint not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  latency_micros bigint not null,
  latency bigint[] not null check (array_length(latency, 1) = 24),
  primary key (at, api_key_id, network, method, status, kind)
) with (fillfactor = 70);
`;

// Columns of their own for the histogram: sums and upserts of them are plain SQL here, an array would be text to parse.
const sqliteRollup = (name: string): string => `
create table ${name} (
  at integer not null,
  api_key_id text not null,
  network text not null check (length(network) <= 50),
  method text not null check (length(method) <= 50),
  status text not null check (status in ('allowed', 'burst', 'exceeded')),
  kind text not null check (kind in ('call', 'event')),
  calls integer not null,
  cost integer not null,
  errors integer not null,
  bytes_in integer not null,
  bytes_out integer not null,
  latency_micros integer not null,
${sqliteLatency}  primary key (at, api_key_id, network, method, status, kind)
) strict, without rowid;
`;

const inBoth = `
create index usage_hours_key on usage_hours (api_key_id, at);
create index usage_days_key on usage_days (api_key_id, at);
create index outbox_due on outbox (created_at) where delivered_at is null;
`;

/** Rollups, the offsets of journals, invoices that cannot be changed, the outbox. */
export const ledger: Migration = {
  version: 3,
  name: 'ledger',

  postgres: `${rollups.map(postgresRollup).join('')}
create table journal_segments (
  name varchar(255) collate "C" primary key,
  "offset" bigint not null,
  closed boolean not null,
  applied_at timestamptz not null
);

create table invoice_numbers (
  year integer primary key,
  last integer not null
);
create table invoices (
  number varchar(12) collate "C" primary key,
  user_id uuid not null,
  month varchar(7) collate "C" not null,
  currency varchar(3) not null,
  total bigint not null,
  document json not null,
  issued_at timestamptz not null,
  constraint invoices_month unique (user_id, month)
);
create function refuse_change_of_invoice() returns trigger language plpgsql as $$
begin
  raise exception 'an issued invoice cannot be changed' using errcode = 'restrict_violation';
end
$$;
create trigger invoices_immutable before update or delete on invoices
  for each row execute function refuse_change_of_invoice();
create trigger invoices_whole before truncate on invoices
  for each statement execute function refuse_change_of_invoice();

create table outbox (
  id uuid primary key,
  type varchar(100) not null,
  payload jsonb not null,
  created_at timestamptz not null,
  delivered_at timestamptz
);
${inBoth}`,

  sqlite: `${rollups.map(sqliteRollup).join('')}
create table journal_segments (
  name text primary key not null check (length(name) <= 255),
  "offset" integer not null,
  closed integer not null check (closed in (0, 1)),
  applied_at integer not null
) strict, without rowid;

create table invoice_numbers (
  year integer primary key not null,
  last integer not null
) strict;
create table invoices (
  number text primary key not null,
  user_id text not null,
  month text not null,
  currency text not null check (length(currency) <= 3),
  total integer not null,
  document text not null check (json_valid(document)),
  issued_at integer not null,
  unique (user_id, month)
) strict;
create trigger invoices_no_update before update on invoices
  begin select raise(abort, 'an issued invoice cannot be changed'); end;
create trigger invoices_no_delete before delete on invoices
  begin select raise(abort, 'an issued invoice cannot be changed'); end;

create table outbox (
  id text primary key not null,
  type text not null check (length(type) <= 100),
  payload text not null check (json_valid(payload)),
  created_at integer not null,
  delivered_at integer
) strict;
${inBoth}`,
};
