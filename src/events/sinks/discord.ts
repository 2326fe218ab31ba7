import * as z from 'zod';
import type { Severity, SinkConfigOf } from '../../config/index.ts';
import type { CloudEvent } from '../event.ts';
import type { Delivery, DeliveryResult, Sink, SinkDeps, SinkResponse } from '../sink.ts';
import { clipEscaped, oneLine } from '../words/clip.ts';
import { tell } from '../words/index.ts';
import { answerText, exchange, judgeStatus } from './http-answer.ts';

/** Discord’s bounds: https://discord.com/developers/docs/resources/message#embed-object-embed-limits */
const TITLE_MAX = 256;
const TEXT_MAX = 4096;
const NAME_MAX = 256;
const VALUE_MAX = 1024;
const FIELDS_MAX = 25;
const FOOTER_MAX = 2048;
/** Of title, description, names, values and footer together. */
const EMBED_MAX = 6000;

const colours: Record<Severity, number> = {
  info: 0x3b82f6,
  warning: 0xf59e0b,
  error: 0xef4444,
  critical: 0xb91c1c,
};
const GOOD = 0x22c55e;

/** Unknown webhook, and a token that is not its: https://discord.com/developers/docs/topics/opcodes-and-status-codes */
const goneCodes = new Set([10_015, 50_027]);

/** Messages to a channel by a webhook: https://discord.com/developers/docs/resources/webhook#execute-webhook */
export function createDiscordSink(
  { url: written, timeout: timeoutMs, allow_private: allowPrivate }: SinkConfigOf<'discord'>,
  { http }: SinkDeps,
): Sink {
  const url = new URL(written);
  // Without it Discord says 204 before it has looked whether the message can be kept.
  url.searchParams.set('wait', 'true');
  const headers = { 'content-type': 'application/json' };
  return {
    batchMax: 1,
    deliver: (deliveries, signal) =>
      Promise.all(
        deliveries.map(({ event, atMs }: Delivery) => {
          const body = JSON.stringify(discordMessage(event));
          const request = { url: url.href, headers, body, timeoutMs, allowPrivate };
          return exchange(http, request, signal, (response) => judgeDiscord(response, atMs));
        }),
      ),
    close: () => Promise.resolve(),
  };
}

/** One embed; mentions nobody, whatever its texts say. */
export function discordMessage(event: CloudEvent): object {
  const { title, text, facts, advice, good } = tell(event);
  let left = EMBED_MAX;
  const take = (plain: string, max: number): string => {
    const taken = clipEscaped(oneLine(plain), Math.min(max, left), escapeMarkdown);
    left -= taken.length;
    return taken;
  };
  const head = take(title, TITLE_MAX);
  const tenant = event.tenant === 'default' ? '' : ` · ${event.tenant}`;
  const footer = { text: take(`${event.type} · ${event.severity}${tenant} · ${event.id}`, FOOTER_MAX) };
  const what = advice === null ? '' : take(advice, VALUE_MAX);
  left -= what === '' ? 0 : ADVICE.length;
  const description = take(text, TEXT_MAX);
  const fields = [];
  for (const [label, value] of facts.slice(0, FIELDS_MAX - 1)) {
    // A field without a value is refused, and the whole message with it.
    if (left < label.length + 1 || value === '') continue;
    fields.push({ name: take(label, NAME_MAX), value: take(value, VALUE_MAX), inline: value.length <= 40 });
  }
  if (what !== '') fields.push({ name: ADVICE, value: what, inline: false });
  return {
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: head,
        description,
        color: good ? GOOD : colours[event.severity],
        timestamp: event.time,
        fields: fields.filter(({ value }) => value !== ''),
        footer,
      },
    ],
  };
}

const ADVICE = 'What to do';

/** Discord drops a backslash before any punctuation, and takes what follows as it is. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|<>[\]()#@]/g, '\\$&').replaceAll('://', ':\\//');
}

const problem = z.object({ code: z.number().optional(), retry_after: z.number().min(0).optional() });

/** A 429 says in its body, in seconds, how long to wait; other errors have a code of Discord’s own. */
export function judgeDiscord(response: SinkResponse, nowMs: number): DeliveryResult {
  const judged = judgeStatus(response, nowMs);
  if (judged.kind === 'delivered') return judged;
  const { code, retry_after: after } = bodyOf(response);
  if (judged.kind === 'retry')
    return after === undefined || response.status !== 429
      ? judged
      : { ...judged, retryAfterMs: Math.max(judged.retryAfterMs ?? 0, Math.ceil(after * 1000)) };
  const gone = response.status === 401 || (code !== undefined && goneCodes.has(code));
  return gone ? { kind: 'gone', problem: answerText(response) } : judged;
}

function bodyOf({ body }: SinkResponse): z.infer<typeof problem> {
  try {
    return problem.catch({}).parse(JSON.parse(body));
  } catch {
    return {};
  }
}
