import type { Migration } from './migration.ts';

/** A quota of all keys of a user together: the plan's, and one of the user's own that goes before it. */
export const userQuotas: Migration = {
  version: 7,
  name: 'quotas of users',

  postgres: `
alter table users add column quota jsonb;
alter table plans add column user_quota jsonb;
`,

  sqlite: `
alter table users add column quota text check (json_valid(quota));
alter table plans add column user_quota text check (json_valid(user_quota));
`,
};
