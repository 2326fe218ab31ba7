import { z } from 'zod';
import { AccountsError } from '../error.ts';
import { verb } from '../verb.ts';
import { eventId } from './event-id.ts';
import { eventView } from './view.ts';

/** One event by its id, and where it went. */
export const showEvent = verb(z.strictObject({ event: eventId }), async ({ store }, { event: id }) => {
  const row = await store.outbox.get(id);
  if (row === null)
    throw new AccountsError('not_found', `There is no event ${id} (see polymorph events list)`);
  return eventView(row);
});
