import type { Migration } from './migration.ts';

/** Addresses that are refused for a while. A row stays for some time after its end: who is banned again is banned for longer. */
export const bans: Migration = {
  version: 6,
  name: 'bans',

  postgres: `
create table bans (
  prefix varchar(50) collate "C" primary key,
  reason varchar(500) not null,
  set_by varchar(255) not null,
  times integer not null,
  began_at timestamptz not null,
  until timestamptz,
  ended_at timestamptz
);
create index bans_ended on bans (ended_at);
comment on column bans.until is 'null: until it is lifted';
`,

  sqlite: `
create table bans (
  prefix text primary key not null check (length(prefix) <= 50),
  reason text not null check (length(reason) <= 500),
  set_by text not null check (length(set_by) <= 255),
  times integer not null,
  began_at integer not null,
  until integer,
  ended_at integer
) strict, without rowid;
create index bans_ended on bans (ended_at);
`,
};
