import type { z } from 'zod';
import { nearestName } from '../../nearest.ts';
import { list, nameOf } from '../containers.ts';
import { eventTypes, matchesEventType, severities } from '../event-types.ts';
import { choice, duration, field, flag, integer, text, wrong } from '../fields.ts';
import { decimal } from '../fractions.ts';

const eventPattern = text<string>({
  type: 'event or pattern',
  about: 'A type of event, or a pattern such as `quota.*`.',
  expected: `a type of event (${eventTypes.join(', ')}) or a pattern such as quota.*`,
  parse(pattern) {
    if (!/^[a-z_.*]{1,64}$/.test(pattern)) return undefined;
    if (eventTypes.some((type) => matchesEventType(pattern, type))) return pattern;
    const near = nearestName(pattern, eventTypes);
    return wrong({ suggestion: near === undefined ? undefined : `did you mean ${near}?` });
  },
});

const whose = (what: string) =>
  text<string>({
    type: 'text',
    about: `A ${what}.`,
    expected: `a ${what}: at most 255 characters`,
    parse: (written) => (/^\P{Cc}{1,255}$/u.test(written) ? written : undefined),
  });

const sinkName: z.ZodType<string> = field(
  {
    type: 'name',
    about: 'What logs, commands and metrics call it. No two have the same.',
    json: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
    expected: 'a name',
  },
  undefined,
  (value, fail) => {
    const read = nameOf('a sink').safeParse(value);
    return read.success
      ? read.data
      : fail({ expected: 'a name: letters, digits, `.`, `_`, `-`, at most 64, a letter or digit first' });
  },
);

const delivery = {
  name: sinkName,
  events: list(eventPattern, {
    type: 'list of events or patterns',
    about: 'What it wants.',
    default: ['*'],
    max: 100,
  }),
  min_severity: choice({
    values: severities,
    default: 'info',
    about: 'The least severity that it wants.',
  }),
  keys: list(whose('key’s name, prefix or id'), {
    type: 'list of keys',
    about: 'Only events about these keys, by name, prefix or id. Empty: no matter whom they are about.',
    max: 10_000,
  }),
  users: list(whose('user’s id'), {
    type: 'list of users',
    about: 'Only events about keys of these users, by id. With `keys`: either.',
    max: 10_000,
  }),
  concurrency: integer({
    min: 1,
    max: 1000,
    default: 8,
    unit: 'deliveries',
    about: 'Most under way at one time, each of another subject where it is the first attempt.',
  }),
  rate: decimal({
    min: 0,
    max: 100_000,
    default: 0,
    unit: 'deliveries',
    about: 'Most begun a second. 0: no bound.',
  }),
  timeout: duration({ min: '100ms', max: '5m', default: '10s', about: 'For one attempt.' }),
  retries: list(duration({ min: '0', max: '7d', about: 'A wait.' }), {
    type: 'list of durations',
    about:
      'How long after an attempt that failed the next one begins, ± 20 %; so one attempt more than there are entries. Then the event is kept as a dead letter.',
    default: ['5s', '5m', '30m', '2h', '5h', '10h', '10h'],
    max: 20,
  }),
};

/** What every sink has beside its own: its type, what it wants, and how it is delivered. */
export function sinkFields<const Kind extends string>(kind: Kind, about: string) {
  return { type: choice({ values: [kind], about }), ...delivery };
}

/** Of sinks that connect to an address the operator gives. */
export const guardedFields = {
  allow_private: flag({
    default: false,
    about:
      'Deliver to private, loopback, link-local and other addresses that are not public, too. Else they are refused, after the name was resolved.',
  }),
};
