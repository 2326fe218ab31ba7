import * as z from 'zod';
import { eventTypes } from '../config/index.ts';
import { type EventType, eventData } from './event.ts';
import { exampleEvent } from './example-event.ts';

/** What each type is about, in a sentence. */
const abouts: Record<EventType, string> = {
  'rate_limit.exceeded': 'A caller’s calls are refused by a rule, a ceiling of theirs included.',
  'burst.used': 'A caller draws on the burst of a rule; nothing was refused.',
  'burst.depleted': 'A caller’s first call refused after a burst.',
  'method.blocked': 'A caller called a method that is blocked.',
  'quota.warning': 'So many percent of a quota are used: once for each mark of `warn_at` and period.',
  'quota.exceeded': 'A quota is used up, and calls are refused until its period ends.',
  'config.reloaded': 'Another config holds, or was refused (`ok: false`).',
  'ip.banned': 'An address or network was banned, by the gateway or by somebody.',
  'ip.unbanned': 'A ban is over.',
  'upstream.down': 'An upstream gets no calls until its checks pass again.',
  'upstream.up': 'An upstream that was down gets calls again.',
  'redis.down': 'Redis answers an instance no more: its limits go on by its [share](scaling.md).',
  'redis.up':
    'Redis is back, and has been for two seconds at least: one event for a trouble, however often it came and went.',
  'alert.firing': 'The condition of an [alert](alerts.md) has held for long enough.',
  'alert.resolved': 'The condition of an alert that fired no longer holds.',
};

/** docs/billing-webhooks.md with what stands behind its mark made anew: each type of event, its data and an example. */
export function withEventTypes(page: string): string {
  const end = page.indexOf(mark) + mark.length;
  if (end < mark.length) throw new Error('the page has no mark behind which events stand');
  return `${page.slice(0, end)}\n\n${eventTypes.map(typeText).join('\n')}`;
}

const mark =
  '<!-- From here on generated from src/events/event.ts by scripts/generate-docs.ts: change it there. -->';

function typeText(type: EventType): string {
  const { properties = {} } = z.toJSONSchema(eventData[type]) as JsonSchema;
  const rows = Object.entries(properties).map(
    ([name, schema]) => `| \`${name}\` | ${typeOf(schema)} | ${schema.description ?? ''} |`,
  );
  return [
    `### \`${type}\``,
    '',
    abouts[type],
    '',
    '| `data` | type | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    '```json',
    JSON.stringify(exampleEvent(type), null, 2),
    '```',
    '',
  ].join('\n');
}

interface JsonSchema {
  type?: string;
  format?: string;
  enum?: readonly string[];
  description?: string;
  anyOf?: readonly JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
}

function typeOf({ type, format, enum: values, anyOf, items }: JsonSchema): string {
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (format === 'date-time') return 'time';
  if (items) return `list of ${typeOf(items)}s`;
  return type ?? '';
}
