import type { Severity, SinkConfigOf } from '../../config/index.ts';
import type { CloudEvent } from '../event.ts';
import type { Delivery, DeliveryResult, Sink, SinkDeps, SinkResponse } from '../sink.ts';
import { clipEscaped, oneLine } from '../words/clip.ts';
import { type Told, tell } from '../words/index.ts';
import { momentText } from '../words/quantities.ts';
import { answerText, exchange, judgeStatus } from './http-answer.ts';

/** Slack’s bounds, with room: https://docs.slack.dev/reference/block-kit/blocks/section-block */
const TEXT_MAX = 3000;
const FIELD_MAX = 2000;
const FIELDS_MAX = 10;
const TITLE_MAX = 1000;

const colours: Record<Severity, string> = {
  info: '#3b82f6',
  warning: '#f59e0b',
  error: '#ef4444',
  critical: '#b91c1c',
};
const GOOD = '#22c55e';

/** What Slack says, in a word, of a webhook that nobody will turn on again by waiting. */
const goneWords = new Set([
  'no_service',
  'no_active_hooks',
  'no_team',
  'team_disabled',
  'invalid_token',
  'channel_is_archived',
]);

/** Messages to a channel by an incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export function createSlackSink(
  { url, timeout: timeoutMs, allow_private: allowPrivate }: SinkConfigOf<'slack'>,
  { http }: SinkDeps,
): Sink {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return {
    batchMax: 1,
    deliver: (deliveries, signal) =>
      Promise.all(
        deliveries.map(({ event, atMs }: Delivery) => {
          const body = JSON.stringify(slackMessage(event));
          return exchange(http, { url, headers, body, timeoutMs, allowPrivate }, signal, (response) =>
            judgeSlack(response, atMs),
          );
        }),
      ),
    close: () => Promise.resolve(),
  };
}

/** The message: title above, the rest beside a bar in the colour of the severity. */
export function slackMessage(event: CloudEvent): object {
  const told = tell(event);
  const title = escaped(told.title, TITLE_MAX);
  return {
    text: `*${title}*`,
    attachments: [
      { color: told.good ? GOOD : colours[event.severity], fallback: title, blocks: blocksOf(event, told) },
    ],
  };
}

function blocksOf({ type, severity, tenant, time, id }: CloudEvent, { text, facts, advice }: Told): object[] {
  const what = [type, severity, ...(tenant === 'default' ? [] : [tenant]), momentText(time), id];
  return [
    { type: 'section', text: mrkdwn(escaped(text, TEXT_MAX)) },
    {
      type: 'section',
      fields: facts
        .slice(0, FIELDS_MAX)
        .map(([label, value]) => mrkdwn(`*${label}*\n${escaped(value, FIELD_MAX - label.length - 3)}`)),
    },
    ...(advice === null
      ? []
      : [{ type: 'section', text: mrkdwn(`:bulb: ${escaped(advice, TEXT_MAX - 10)}`) }]),
    { type: 'context', elements: [mrkdwn(escaped(what.join(' · '), FIELD_MAX))] },
  ];
}

/** `verbatim`: Slack makes no links and no mentions of what looks like one. */
function mrkdwn(text: string): object {
  return { type: 'mrkdwn', text, verbatim: true };
}

function escaped(text: string, max: number): string {
  return clipEscaped(oneLine(text), max, escapeMrkdwn);
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping: with these three, no `<!channel>` and no link is left. */
function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Slack answers in words of plain text: `ok`, `no_service`, `channel_not_found` … */
export function judgeSlack(response: SinkResponse, nowMs: number): DeliveryResult {
  const word = response.body.trim();
  const judged = judgeStatus(response, nowMs);
  if (judged.kind !== 'delivered') {
    if (response.status >= 500 || response.status === 429) return judged;
    return goneWords.has(word) ? { kind: 'gone', problem: answerText(response) } : judged;
  }
  // Workflows answer in JSON. Anything else was not Slack: a proxy’s page, say.
  if (word === 'ok' || /^\{\s*"(ok|success)"\s*:\s*true\b/.test(word)) return judged;
  return { kind: 'retry', problem: `not Slack’s ok: ${answerText(response)}`, retryAfterMs: null };
}
