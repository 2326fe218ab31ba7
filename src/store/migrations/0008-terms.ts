import type { Migration } from './migration.ts';

/** What was before the history began is not known: users and plans count as they are for all the time before. */
const since = `
insert into user_tiers (user_id, at, tier) select id, created_at, tier from users;
insert into plan_terms (plan, at, currency, monthly_fee, included_units, price, price_per)
  select name, created_at, currency, monthly_fee, included_units, price, price_per from plans;
`;

/**
 * From when on a user was on which plan, and a plan had which terms: an invoice goes by those at the end of its month. No
 * foreign keys: invoices outlive plans and users.
 */
export const terms: Migration = {
  version: 8,
  name: 'history of plans',

  postgres: `
create table user_tiers (
  user_id uuid not null,
  at timestamptz not null,
  tier varchar(50) collate "C" not null,
  primary key (user_id, at)
);
create table plan_terms (
  plan varchar(50) collate "C" not null,
  at timestamptz not null,
  currency varchar(3) not null,
  monthly_fee bigint not null,
  included_units bigint not null,
  price bigint not null,
  price_per bigint not null check (price_per > 0),
  primary key (plan, at)
);
${since}`,

  sqlite: `
create table user_tiers (
  user_id text not null,
  at integer not null,
  tier text not null check (length(tier) <= 50),
  primary key (user_id, at)
) strict, without rowid;
create table plan_terms (
  plan text not null check (length(plan) <= 50),
  at integer not null,
  currency text not null check (length(currency) <= 3),
  monthly_fee integer not null,
  included_units integer not null,
  price integer not null,
  price_per integer not null check (price_per > 0),
  primary key (plan, at)
) strict, without rowid;
${since}`,
};
