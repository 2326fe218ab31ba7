import { createHash } from 'node:crypto';
import type { SinkConfigOf } from '../../config/index.ts';
import type { CloudEvent } from '../event.ts';
import type { Delivery, DeliveryResult, Sink, SinkDeps, SinkResponse } from '../sink.ts';
import { clip, oneLine } from '../words/clip.ts';
import { tell } from '../words/index.ts';
import { answerText, exchange, judgeStatus } from './http-answer.ts';

/** Bounds of the Events API v2: https://developer.pagerduty.com/api-reference/YXBpOjI3NDgyNjU-pager-duty-v2-events-api */
const SUMMARY_MAX = 1024;
const DEDUP_KEY_MAX = 255;
const SHORT_MAX = 255;
/** Of the whole request, in bytes; the rest of it is far below what this leaves. */
const DETAILS_MAX_BYTES = 400 * 1024;
/** Troubles whose end is remembered. */
const ENDED_MAX = 10_000;

/** Incidents: an event opens one, or adds to the open one of the same thing; the event of its end resolves it. */
export function createPagerdutySink(
  {
    routing_key: routingKey,
    url,
    timeout: timeoutMs,
    allow_private: allowPrivate,
  }: SinkConfigOf<'pagerduty'>,
  { http }: SinkDeps,
): Sink {
  const headers = { 'content-type': 'application/json' };
  /** Sequence of the latest event that resolved a thing, by its key. */
  const ended = new Map<string, string>();

  async function send({ event, atMs }: Delivery, signal: AbortSignal): ReturnType<Sink['deliver']> {
    const message = pagerdutyMessage(event, routingKey);
    // A retried trigger must not open what its own end has closed before it.
    if (message.event_action === 'trigger' && event.sequence < (ended.get(message.dedup_key) ?? ''))
      return [{ kind: 'delivered' }];
    const request = { url, headers, body: JSON.stringify(message), timeoutMs, allowPrivate };
    const result = await exchange(http, request, signal, (response) => judgePagerduty(response, atMs));
    if (message.event_action === 'resolve' && result.kind === 'delivered')
      remember(message.dedup_key, event.sequence);
    return [result];
  }

  function remember(key: string, sequence: string): void {
    const before = ended.get(key) ?? '';
    ended.delete(key);
    ended.set(key, before > sequence ? before : sequence);
    if (ended.size > ENDED_MAX) ended.delete(ended.keys().next().value ?? '');
  }

  return {
    batchMax: 1,
    deliver: async (deliveries, signal) =>
      (await Promise.all(deliveries.map((delivery) => send(delivery, signal)))).flat(),
    close: () => Promise.resolve(),
  };
}

interface PagerdutyMessage {
  routing_key: string;
  event_action: 'trigger' | 'resolve';
  dedup_key: string;
  payload?: object;
  client?: string;
}

/** PagerDuty takes an event with 202 and nothing else: another 2xx is of something in between. */
export function judgePagerduty(response: SinkResponse, nowMs: number): DeliveryResult {
  const judged = judgeStatus(response, nowMs);
  if (judged.kind !== 'delivered' || response.status === 202) return judged;
  return { kind: 'retry', problem: `not PagerDuty’s 202: ${answerText(response)}`, retryAfterMs: null };
}

/** The request’s body. One that resolves needs no more than the key of what it resolves. */
export function pagerdutyMessage(event: CloudEvent, routingKey: string): PagerdutyMessage {
  const head = {
    routing_key: routingKey,
    event_action: resolves(event) ? ('resolve' as const) : ('trigger' as const),
    dedup_key: dedupKey(event),
  };
  if (head.event_action === 'resolve') return head;
  const told = tell(event);
  return {
    ...head,
    client: 'PolymorphProxy',
    payload: {
      summary: clip(oneLine(told.title), SUMMARY_MAX),
      source: clip(oneLine(event.source), SHORT_MAX),
      severity: event.severity,
      timestamp: event.time,
      component: clip(oneLine(event.subject), SHORT_MAX),
      group: event.tenant,
      class: event.type,
      custom_details: detailsOf(event, told.text, told.advice),
    },
  };
}

function detailsOf(event: CloudEvent, text: string, advice: string | null): object {
  const details = { text, advice, id: event.id, data: event.data };
  const bytes = Buffer.byteLength(JSON.stringify(details));
  return bytes <= DETAILS_MAX_BYTES ? details : { text: clip(text, 10_000), id: event.id, cut: bytes };
}

function resolves({ type, data }: CloudEvent): boolean {
  return (
    type === 'upstream.up' ||
    type === 'redis.up' ||
    type === 'ip.unbanned' ||
    type === 'alert.resolved' ||
    (type === 'config.reloaded' && data['ok'] === true)
  );
}

/**
 * Names the trouble, the same for its begin and end, for every instance and after a restart. A quota’s holds for one period:
 * its warnings and its end are one incident, and the next period’s another.
 */
function dedupKey({ type, subject, tenant, data }: CloudEvent): string {
  const what = type.startsWith('quota.')
    ? `quota:${subject}:${String(data['of'])}:${String(data['unit'])}:${String(data['resetsAt'])}`
    : withFamily(families[type] ?? type, subject);
  const key = `polymorph:${tenant}:${what}`;
  if (key.length <= DEDUP_KEY_MAX) return key;
  return `polymorph:${createHash('sha256').update(key).digest('hex')}`;
}

/** The subject of an upstream or an alert says so itself. */
function withFamily(family: string, subject: string): string {
  return subject.startsWith(`${family}:`) ? subject : `${family}:${subject}`;
}

const families: Partial<Record<CloudEvent['type'], string>> = {
  'upstream.down': 'upstream',
  'upstream.up': 'upstream',
  'redis.down': 'redis',
  'redis.up': 'redis',
  'ip.banned': 'ban',
  'ip.unbanned': 'ban',
  'alert.firing': 'alert',
  'alert.resolved': 'alert',
  'burst.used': 'burst',
  'burst.depleted': 'burst',
};
