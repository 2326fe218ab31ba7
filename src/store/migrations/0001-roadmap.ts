import type { Migration } from './migration.ts';

/** The five tables of the roadmap. Text sorts by its bytes, in both databases. */
export const roadmap: Migration = {
  version: 1,
  name: 'roadmap',

  postgres: `
create table users (
  id uuid primary key,
  email varchar(255) collate "C" not null,
  name varchar(255) collate "C" not null,
  tier varchar(50) collate "C" not null default 'free',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_email unique (email)
);

create table api_keys (
  id uuid primary key,
  user_id uuid references users (id) on delete cascade,
  key_hash varchar(64) collate "C" not null,
  key_prefix varchar(8) collate "C" not null,
  name varchar(255) collate "C" not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint api_keys_hash unique (key_hash)
);
create index api_keys_user on api_keys (user_id);
create index api_keys_prefix on api_keys (key_prefix);
create index api_keys_name on api_keys (name, id);

create table rate_limit_overrides (
  api_key_id uuid not null references api_keys (id) on delete cascade,
  method varchar(255) collate "C" not null,
  requests bigint not null,
  period bigint not null,
  burst_size bigint not null default 0,
  primary key (api_key_id, method)
);
comment on column rate_limit_overrides.period is 'milliseconds';

create table usage_logs (
  id bigserial,
  api_key_id uuid,
  method varchar(50) collate "C" not null,
  status varchar(8) collate "C" not null check (status in ('allowed', 'burst', 'exceeded')),
  timestamp timestamptz not null,
  primary key (id, timestamp)
) partition by range (timestamp);
create index usage_logs_timestamp on usage_logs (timestamp);
create index usage_logs_key on usage_logs (api_key_id);

create table billing_events (
  id bigserial primary key,
  api_key_id uuid,
  event_type varchar(50) collate "C" not null,
  metadata jsonb,
  timestamp timestamptz not null default now()
);
create index billing_events_timestamp on billing_events (timestamp);
create index billing_events_key on billing_events (api_key_id);
`,

  sqlite: `
create table users (
  id text primary key not null,
  email text not null check (length(email) <= 255),
  name text not null check (length(name) <= 255),
  tier text not null default 'free' check (length(tier) <= 50),
  created_at integer not null,
  updated_at integer not null
) strict;
create unique index users_email on users (email);

create table api_keys (
  id text primary key not null,
  user_id text references users (id) on delete cascade,
  key_hash text not null check (length(key_hash) <= 64),
  key_prefix text not null check (length(key_prefix) <= 8),
  name text not null check (length(name) <= 255),
  enabled integer not null default 1 check (enabled in (0, 1)),
  created_at integer not null,
  last_used_at integer
) strict;
create unique index api_keys_hash on api_keys (key_hash);
create index api_keys_user on api_keys (user_id);
create index api_keys_prefix on api_keys (key_prefix);
create index api_keys_name on api_keys (name, id);

create table rate_limit_overrides (
  api_key_id text not null references api_keys (id) on delete cascade,
  method text not null check (length(method) <= 255),
  requests integer not null,
  period integer not null,
  burst_size integer not null default 0,
  primary key (api_key_id, method)
) strict, without rowid;

create table usage_logs (
  id integer primary key autoincrement,
  api_key_id text,
  method text not null check (length(method) <= 50),
  status text not null check (status in ('allowed', 'burst', 'exceeded')),
  timestamp integer not null
) strict;
create index usage_logs_timestamp on usage_logs (timestamp);
create index usage_logs_key on usage_logs (api_key_id);

create table billing_events (
  id integer primary key autoincrement,
  api_key_id text,
  event_type text not null check (length(event_type) <= 50),
  metadata text check (metadata is null or json_valid(metadata)),
  timestamp integer not null
) strict;
create index billing_events_timestamp on billing_events (timestamp);
create index billing_events_key on billing_events (api_key_id);
`,
};
