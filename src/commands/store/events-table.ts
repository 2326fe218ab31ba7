import type { OperationResult } from '../../accounts/index.ts';
import { columns, facts, utc } from './columns.ts';

type Event = OperationResult<'events.show'>;

/** Events, a line each. */
export function eventsTable(events: readonly Event[]): string {
  if (events.length === 0) return 'There are no such events.\n';
  const heads = ['number', 'time (UTC)', 'type', 'severity', 'subject', 'count', 'deliveries', 'id'];
  const rows = events.map(({ event, deliveries }) => [
    String(Number(event.sequence)),
    utc(event.time),
    event.type,
    event.severity,
    event.subject,
    typeof event.data['count'] === 'number' ? String(event.data['count']) : '',
    deliveries.map(({ sink, state }) => `${sink}: ${stateText(state)}`).join(', '),
    event.id,
  ]);
  return columns(
    heads.map((title) => ({ title, right: title === 'number' || title === 'count' })),
    rows,
  );
}

/** All that is known of one event. */
export function eventFacts({ event, deliveries }: Event): string {
  const head = facts([
    ['event', event.id],
    ['number', String(Number(event.sequence))],
    ['type', event.type],
    ['time', `${utc(event.time)} UTC`],
    ['severity', event.severity],
    ['subject', event.subject],
    ...Object.entries(event.data).map(
      ([name, value]) => [`  ${name}`, typeof value === 'string' ? value : JSON.stringify(value)] as const,
    ),
  ]);
  if (deliveries.length === 0) return `${head}\nNo sink wants it.\n`;
  const rows = deliveries.map(({ sink, state, attempts, dueAt, doneAt, problem }) => [
    ...[sink, stateText(state), String(attempts), utc(dueAt), utc(doneAt), problem ?? ''],
  ]);
  const heads = ['sink', 'state', 'attempts', 'next (UTC)', 'ended (UTC)', 'problem'];
  return `${head}\n${columns(
    heads.map((title) => ({ title, right: title === 'attempts' })),
    rows,
  )}`;
}

function stateText(state: Event['deliveries'][number]['state']): string {
  return state === 'new' || state === 'retry' ? 'waiting' : state;
}
