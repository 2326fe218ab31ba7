import { oneLine, clip } from '../words/clip.ts';
import { judged, retryAfterMs } from '../http/http-result.ts';
import type { DeliveryResult, SinkHttp, SinkRequest, SinkResponse } from '../sink.ts';

/** Of a receiver’s answer, in problems. */
const SHOWN_MAX = 200;

/** `HTTP 404: no_service`: status and the beginning of what the receiver said. */
export function answerText({ status, body }: SinkResponse): string {
  const said = clip(oneLine(body), SHOWN_MAX);
  return said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
}

/**
 * What an answer means where its receiver says nothing of its own: 2xx delivered, 410 gone; 408, 425, 429, 5xx and what is
 * no final answer to be tried again; redirects, which are not followed, and other 4xx rejected.
 */
export function judgeStatus(response: SinkResponse, nowMs: number): DeliveryResult {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const problem = answerText(response);
  if (status === 410) return { kind: 'gone', problem };
  if (status >= 500 || status < 200 || [408, 425, 429].includes(status))
    return { kind: 'retry', problem, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs) };
  return { kind: 'rejected', problem };
}

/**
 * Sends, and judges the answer. What brings no answer is to be tried again. What lets us in (header values, the URL’s path) is not
 * in the answer that is judged, should the receiver repeat it.
 */
export function exchange(
  http: SinkHttp,
  request: SinkRequest,
  signal: AbortSignal,
  judge: (response: SinkResponse) => DeliveryResult,
): Promise<DeliveryResult> {
  return judged(
    () => http(request, signal),
    (response) => judge({ ...response, body: without(response.body, secretsOf(request)) }),
  );
}

/** Shorter ones are words that stand anywhere. */
const SECRET_MIN = 12;

function secretsOf({ url, headers }: SinkRequest): string[] {
  const { pathname, search } = new URL(url);
  const parts = [pathname, search.slice(1), ...pathname.split('/'), ...Object.values(headers)];
  return [...parts, ...Object.values(headers).flatMap((value) => value.split(/[\s,;]+/))].filter(
    ({ length }) => length >= SECRET_MIN,
  );
}

function without(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  return longestFirst.reduce((left, secret) => left.replaceAll(secret, '***'), text);
}

/** One line of what was thrown. */
export function problemText(error: unknown): string {
  return clip(oneLine(error instanceof Error ? error.message : String(error)), SHOWN_MAX);
}
