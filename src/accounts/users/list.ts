import { z } from 'zod';
import { page } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { userView } from './view.ts';

/** Users that are not deleted, by e-mail. `next`: what to give as `after` for those that follow; null: none do. */
export const listUsers = verb(z.strictObject(page), async ({ store }, { after, limit }) => {
  const users = await store.users.list({ after, limit: limit + 1 });
  const shown = users.slice(0, limit);
  return { users: shown.map(userView), next: users.length > limit ? (shown.at(-1)?.email ?? null) : null };
});
