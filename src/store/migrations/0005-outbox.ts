import type { Migration } from './migration.ts';

const inBoth = `
create index outbox_at on outbox (at);
create index outbox_key on outbox (api_key_id, number);
create index outbox_new on outbox_deliveries (sink, event) where state = 'new';
create index outbox_new_subject on outbox_deliveries (sink, subject, event) where state = 'new';
create index outbox_retry on outbox_deliveries (sink, due_at) where state = 'retry';
create index outbox_dead on outbox_deliveries (sink, event) where state = 'dead';
create unique index billing_events_event on billing_events (event_id);
`;

/** Events, the deliveries of each, sinks that were turned off. The outbox before was never written to. */
export const outbox: Migration = {
  version: 5,
  name: 'outbox',

  postgres: `
drop table outbox;
create table outbox (
  number bigserial primary key,
  id uuid not null unique,
  type varchar(50) collate "C" not null,
  subject varchar(300) collate "C" not null,
  severity varchar(8) not null,
  api_key_id uuid,
  user_id uuid,
  at timestamptz not null,
  event json not null,
  routed boolean not null
);
create index outbox_unrouted on outbox (number) where not routed;

create table outbox_deliveries (
  event bigint not null references outbox (number) on delete cascade,
  sink varchar(64) collate "C" not null,
  subject varchar(300) collate "C" not null,
  state varchar(9) not null check (state in ('new', 'retry', 'delivered', 'dead')),
  attempts integer not null,
  due_at timestamptz not null,
  claimed_by varchar(255),
  claimed_until timestamptz,
  problem text,
  done_at timestamptz,
  primary key (event, sink)
) with (fillfactor = 70);

create table outbox_sinks (
  name varchar(64) collate "C" primary key,
  config varchar(64) not null,
  disabled_at timestamptz not null,
  problem text not null
);

alter table billing_events add column event_id uuid;
${inBoth}`,

  sqlite: `
drop table outbox;
create table outbox (
  number integer primary key autoincrement,
  id text not null unique,
  type text not null check (length(type) <= 50),
  subject text not null check (length(subject) <= 300),
  severity text not null,
  api_key_id text,
  user_id text,
  at integer not null,
  event text not null check (json_valid(event)),
  routed integer not null check (routed in (0, 1))
) strict;
create index outbox_unrouted on outbox (number) where routed = 0;

create table outbox_deliveries (
  event integer not null references outbox (number) on delete cascade,
  sink text not null check (length(sink) <= 64),
  subject text not null,
  state text not null check (state in ('new', 'retry', 'delivered', 'dead')),
  attempts integer not null,
  due_at integer not null,
  claimed_by text,
  claimed_until integer,
  problem text,
  done_at integer,
  primary key (event, sink)
) strict, without rowid;

create table outbox_sinks (
  name text primary key not null check (length(name) <= 64),
  config text not null,
  disabled_at integer not null,
  problem text not null
) strict, without rowid;

alter table billing_events add column event_id text;
${inBoth}`,
};
