import type { Migration } from './migration.ts';

const counting = `status <> 'exceeded' and api_key_id <> '00000000-0000-0000-0000-000000000000'`;

const fill = (monthOfAt: string): string => `
insert into quota_sums (period, at, api_key_id, requests, cost)
  select 'day', at, api_key_id, sum(calls), sum(cost) from usage_days where ${counting} group by at, api_key_id;
insert into quota_sums (period, at, api_key_id, requests, cost)
  select 'month', ${monthOfAt}, api_key_id, sum(calls), sum(cost) from usage_days where ${counting}
  group by ${monthOfAt}, api_key_id;
`;

/** Of a user's keys, of which there may be very many: by name, and page by page. */
const keysOfUser = `
create index api_keys_user_name on api_keys (user_id, name, id);
drop index api_keys_user;
`;

/**
 * What counts for a key's quota, by UTC day and month, added to as usage is applied: to sum it up from the rollups took seconds
 * where there are very many, every time that it was asked for.
 */
export const largeStores: Migration = {
  version: 9,
  name: 'sums for quotas, keys of a user by name',

  postgres: `
create table quota_sums (
  period varchar(5) collate "C" not null check (period in ('day', 'month')),
  at timestamptz not null,
  api_key_id uuid not null,
  requests bigint not null,
  cost bigint not null,
  primary key (period, at, api_key_id)
) with (fillfactor = 70);
${fill(`date_trunc('month', at at time zone 'UTC') at time zone 'UTC'`)}${keysOfUser}`,

  sqlite: `
create table quota_sums (
  period text not null check (period in ('day', 'month')),
  at integer not null,
  api_key_id text not null,
  requests integer not null,
  cost integer not null,
  primary key (period, at, api_key_id)
) strict, without rowid;
${fill(`unixepoch(at / 1000, 'unixepoch', 'start of month') * 1000`)}${keysOfUser}`,
};
