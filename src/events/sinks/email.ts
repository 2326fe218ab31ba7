import { fillTemplate, type SinkConfigOf } from '../../config/index.ts';
import type { CloudEvent } from '../event.ts';
import type { Delivery, Sink, SinkDeps } from '../sink.ts';
import { clip, oneLine } from '../words/clip.ts';
import { type Told, tell } from '../words/index.ts';
import { momentText } from '../words/quantities.ts';
import { exchange, judgeStatus } from './http-answer.ts';

/** A subject line longer than that is cut by the programs that show it. */
const TITLE_MAX = 200;

/** Mails by the HTTP API of a mail service: the operator’s template says what is sent. */
export function createEmailSink(settings: SinkConfigOf<'email'>, { http }: SinkDeps): Sink {
  const { url, method, timeout: timeoutMs, allow_private: allowPrivate, content_type: type } = settings;
  return {
    batchMax: 1,
    deliver: (deliveries, signal) =>
      Promise.all(
        deliveries.map(({ event, body: json, atMs }: Delivery) => {
          const values = mailValues(event, json);
          const headers = mapValues(settings.headers, (value) => fillTemplate(value, 'header', values));
          const request = {
            ...{ url, method, timeoutMs, allowPrivate },
            headers: { ...headers, 'content-type': type },
            body: fillTemplate(settings.body, type, values),
          };
          return exchange(http, request, signal, (response) => judgeStatus(response, atMs));
        }),
      ),
    close: () => Promise.resolve(),
  };
}

function mapValues(
  map: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}

/** What the placeholders of a template stand for. */
function mailValues(event: CloudEvent, json: string): Record<string, string> {
  const told = tell(event);
  const { id, type, subject, severity, tenant, time, sequence, source } = event;
  const [title, text] = [clip(oneLine(told.title), TITLE_MAX), plainText(event, told)];
  return {
    ...{ title, text, title_html: escapeHtml(title), text_html: escapeHtml(text).replaceAll('\n', '<br>\n') },
    html: htmlText(event, told),
    event: json,
    ...{ id, type, subject, severity, tenant, time, sequence, source },
  };
}

function rows(event: CloudEvent, told: Told): (readonly [string, string])[] {
  const about = [
    ['Event', event.type],
    ['Severity', event.severity],
    ['Time', momentText(event.time)],
    ['Id', event.id],
  ] as const;
  return [...told.facts, ...about].map(([label, value]) => [label, oneLine(value)]);
}

function plainText(event: CloudEvent, told: Told): string {
  const facts = rows(event, told).map(([label, value]) => `${label}: ${value}`);
  const advice = told.advice === null ? [] : ['', `What to do: ${oneLine(told.advice)}`];
  return [oneLine(told.title), '', oneLine(told.text), '', ...facts, ...advice, ''].join('\n');
}

/** Tables and styles in place: mail programs know little else. */
function htmlText(event: CloudEvent, told: Told): string {
  const cell = (text: string, style: string): string =>
    `<td style="padding:2px 12px 2px 0;${style}">${text}</td>`;
  const facts = rows(event, told).map(
    ([label, value]) => `<tr>${cell(escapeHtml(label), 'color:#666')}${cell(escapeHtml(value), '')}</tr>`,
  );
  const advice = told.advice === null ? '' : `<p><b>What to do:</b> ${escapeHtml(oneLine(told.advice))}</p>`;
  return (
    `<div style="font-family:sans-serif"><h2>${escapeHtml(oneLine(told.title))}</h2>` +
    `<p>${escapeHtml(oneLine(told.text))}</p><table>${facts.join('')}</table>${advice}</div>`
  );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
