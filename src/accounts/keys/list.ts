import { z } from 'zod';
import { page, userRef } from '../input/fields.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { keyViews } from './view.ts';

const input = z.strictObject({
  user: userRef.optional(),
  source: z.enum(['store', 'config']).optional(),
  ...page,
});

/** Keys that are not deleted. `next`: what to give as `after` for those that follow; null: none do. */
export const listKeys = verb(input, async ({ store, now }, { user, source, after, limit }) => {
  const userId = user === undefined ? undefined : (await findAnyUser(store, user)).id;
  const rows = await store.keys.list({ userId, source, after, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  return {
    keys: await keyViews(store, shown, now()),
    next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
});
