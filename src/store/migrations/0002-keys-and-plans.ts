import type { Migration } from './migration.ts';

const inBoth = `
create unique index users_email on users (lower(email)) where deleted_at is null;
create index users_listed on users (email) where deleted_at is null;
create unique index api_keys_hash on api_keys (key_hash) where deleted_at is null;
create index users_tier on users (tier);
create index api_keys_of_policy on api_keys (id) where deleted_at is null and source = 'store';
`;

/**
 * Expiry, rotation, quotas, keys of the config, plans; users and keys that are deleted but stay, since usage and
 * invoices outlive them: an e-mail and a hash are unique among those that are not.
 */
export const keysAndPlans: Migration = {
  version: 2,
  name: 'keys and plans',

  postgres: `
alter table users
  add column deleted_at timestamptz,
  drop constraint users_email;

alter table api_keys
  add column source varchar(6) not null default 'store' check (source in ('store', 'config')),
  add column expires_at timestamptz,
  add column previous_hash varchar(64) collate "C",
  add column previous_until timestamptz,
  add column quota jsonb,
  add column deleted_at timestamptz,
  drop constraint api_keys_hash;

create table plans (
  name varchar(50) collate "C" primary key,
  currency varchar(3) not null,
  monthly_fee bigint not null,
  included_units bigint not null,
  price bigint not null,
  price_per bigint not null check (price_per > 0),
  limits jsonb not null,
  quota jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
${inBoth}`,

  sqlite: `
drop index users_email;
alter table users add column deleted_at integer;

drop index api_keys_hash;
alter table api_keys add column source text not null default 'store' check (source in ('store', 'config'));
alter table api_keys add column expires_at integer;
alter table api_keys add column previous_hash text check (length(previous_hash) <= 64);
alter table api_keys add column previous_until integer;
alter table api_keys add column quota text check (json_valid(quota));
alter table api_keys add column deleted_at integer;

create table plans (
  name text primary key not null check (length(name) <= 50),
  currency text not null check (length(currency) <= 3),
  monthly_fee integer not null,
  included_units integer not null,
  price integer not null,
  price_per integer not null check (price_per > 0),
  limits text not null check (json_valid(limits)),
  quota text check (json_valid(quota)),
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;
${inBoth}`,
};
