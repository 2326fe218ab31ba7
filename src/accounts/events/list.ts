import { z } from 'zod';
import { eventTypes, matchesEventType, severities } from '../../config/index.ts';
import { AccountsError } from '../error.ts';
import { keyRef, page, pastTime, userRef } from '../input/fields.ts';
import { pastTimeOf } from '../input/time.ts';
import { findKey } from '../keys/find-key.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { eventView } from './view.ts';

const input = z.strictObject({
  type: z.string().max(64).optional().describe('A type, or a pattern such as quota.*'),
  severity: z.enum(severities).optional().describe('This or a graver one'),
  subject: z.string().max(300).optional(),
  key: keyRef.optional(),
  user: userRef.optional(),
  sink: z.string().max(64).optional().describe('With a delivery to this sink'),
  state: z.enum(['waiting', 'delivered', 'dead']).optional().describe('With a delivery in this state'),
  from: pastTime.optional(),
  to: pastTime.optional(),
  ...page,
  limit: z.int().min(1).max(1000).default(100),
});

const statesOf = { waiting: ['new', 'retry'], delivered: ['delivered'], dead: ['dead'] } as const;

/** Events that are kept, the newest first. `next`: what to give as `after` for older ones; null: there are none. */
export const listEvents = verb(input, async ({ store, now }, asked) => {
  const { type, severity, subject, key, user, sink, state, from, to, after, limit } = asked;
  const types = type === undefined ? [] : typesOf(type);
  const filter = {
    ...{ types, subject, sink },
    severities: severity === undefined ? [] : severities.slice(severities.indexOf(severity)),
    keyId: key === undefined ? undefined : (await findKey(store, key)).id,
    userId: user === undefined ? undefined : (await findAnyUser(store, user)).id,
    states: state === undefined ? [] : statesOf[state],
    from: from === undefined ? undefined : pastTimeOf(from, now()),
    to: to === undefined ? undefined : pastTimeOf(to, now()),
    before: after === undefined ? undefined : numberOf(after),
  };
  const rows = await store.outbox.list(filter, limit + 1);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    events: shown.map(eventView),
    next: rows.length > limit && last !== undefined ? String(last.number) : null,
  };
});

function typesOf(pattern: string) {
  const types = eventTypes.filter((type) => matchesEventType(pattern, type));
  if (types.length > 0) return types;
  throw new AccountsError('invalid', `type: found ${pattern}, expected one of ${eventTypes.join(', ')}`);
}

function numberOf(after: string): number {
  if (/^\d{1,19}$/.test(after)) return Number(after);
  throw new AccountsError('invalid', `after: found ${after}, expected the number that came as next`);
}
