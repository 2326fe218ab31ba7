import type { z } from 'zod';
import { type AlertCondition, parseAlertWhen } from '../alert-when.ts';
import { list, nameOf, record } from './containers.ts';
import { severities } from './event-types.ts';
import { choice, integer, text, wrong } from './fields.ts';

const nameExpected = 'a name: letters, digits, `.`, `_`, `-`, at most 64, a letter or digit first';

function parseName(written: string): string | undefined {
  return nameOf('it').safeParse(written).data;
}

function name(about: string): z.ZodType<string> {
  return text<string>({ type: 'name', about, expected: nameExpected, parse: parseName });
}

const alert = record('When something is to be looked at. [Alerts](alerts.md) explains the conditions.', {
  name: name('Names it in events and messages; two alerts never share one.'),
  when: text<AlertCondition>({
    type: 'condition',
    about:
      'A metric, `>`, `>=`, `<` or `<=`, a threshold, and how long it must hold: `refused_ratio > 0.2 for 5m`.',
    expected: 'a condition such as refused_ratio > 0.2 for 5m',
    parse(written) {
      const parsed = parseAlertWhen(written);
      return 'message' in parsed ? wrong(parsed) : parsed;
    },
  }),
  severity: choice({
    values: severities,
    default: 'warning',
    about: 'Of its `alert.firing`; its `alert.resolved` has the same, so that a sink gets both or neither.',
  }),
  sinks: list(name('A sink of `events.sinks`.'), {
    type: 'list of names',
    about: 'Sinks that are told; none: all that take `alert.firing` and `alert.resolved`.',
    max: 50,
  }),
  network: text<string | null>({
    type: 'name',
    about: 'Only of this network; for ratios, `calls_per_second` and `upstreams_down`.',
    expected: nameExpected,
    default: { written: 'none', value: null },
    parse: parseName,
  }),
  user: text<string | null>({
    type: 'text',
    about: 'Of this user, by e-mail address or id; for `spend_forecast`.',
    expected: 'an e-mail address or the id of a user',
    default: { written: 'none', value: null },
    parse: (written) => (/^\S{3,254}$/.test(written) ? written : undefined),
  }),
  min_calls: integer({
    min: 1,
    max: 1_000_000_000,
    default: 10,
    unit: 'calls',
    about:
      'Fewer calls than that in the time looked at say nothing: ratios and latencies then count as not exceeded.',
  }),
});

export const alertsList = list(alert, {
  type: 'list of alerts',
  about:
    'Conditions that make an `alert.firing` when they come to hold, and an `alert.resolved` when they no longer do.',
  max: 100,
});
