import { z } from 'zod';
import { AccountsError } from '../error.ts';
import { verb } from '../verb.ts';
import { eventId } from './event-id.ts';

const input = z.strictObject({
  event: eventId.optional(),
  sink: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'expected the name of a sink' })
    .optional(),
  all: z.boolean().default(false),
});

/**
 * Delivers again. An event and a sink: that event to that sink, whatever became of it before; not while a gateway
 * has it in hand. One of the two: its dead letters. `all`:
 * all dead letters. The gateway begins within a second.
 */
export const replayEvents = verb(input, async ({ store, now, sinks }, { event, sink, all }) => {
  if (event === undefined && sink === undefined && !all)
    throw new AccountsError(
      'invalid',
      'Say what to deliver again: an event, a sink, both, or all dead letters',
    );
  const known = sinks();
  if (sink !== undefined && known?.includes(sink) === false)
    throw new AccountsError(
      'not_found',
      `There is no sink ${sink} in the config${known.length === 0 ? '' : `: it has ${known.join(', ')}`}`,
    );
  if (event !== undefined && (await store.outbox.get(event)) === null)
    throw new AccountsError('not_found', `There is no event ${event} (see polymorph events list)`);
  if (event !== undefined && sink !== undefined)
    return { replayed: (await store.outbox.resend(event, sink, now())) ? 1 : 0 };
  const which = { ...(event !== undefined && { ids: [event] }), ...(sink !== undefined && { sink }) };
  return { replayed: await store.outbox.replay(which, now()) };
});
