import type { Migration } from './migration.ts';

/** Which instance has a key in its config, and when it said so last: several may share the database, each with keys of its own. */
export const configKeys: Migration = {
  version: 4,
  name: 'config keys',

  postgres: `
create table config_keys (
  api_key_id uuid not null references api_keys (id) on delete cascade,
  instance varchar(255) collate "C" not null,
  named_at timestamptz not null,
  primary key (api_key_id, instance)
);
create index config_keys_instance on config_keys (instance);
`,

  sqlite: `
create table config_keys (
  api_key_id text not null references api_keys (id) on delete cascade,
  instance text not null check (length(instance) <= 255),
  named_at integer not null,
  primary key (api_key_id, instance)
) strict, without rowid;
create index config_keys_instance on config_keys (instance);
`,
};
