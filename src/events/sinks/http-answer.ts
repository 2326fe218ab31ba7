import { oneLine, clip } from '../words/clip.ts';
import type { DeliveryResult, SinkHttp, SinkRequest, SinkResponse } from '../sink.ts';

/** A receiver may ask for patience, but not for a day’s. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;
/** Of a receiver’s answer, in problems. */
const SHOWN_MAX = 200;

/** What a `Retry-After` says, in ms from `nowMs` on: seconds or a date (RFC 9110, 10.2.3). Null: nothing that makes sense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (text === '') return null;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, Math.ceil(ms)), RETRY_AFTER_MAX_MS);
}

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

/** Sends, and judges the answer. What brings no answer is to be tried again. */
export async function exchange(
  http: SinkHttp,
  request: SinkRequest,
  signal: AbortSignal,
  judge: (response: SinkResponse) => DeliveryResult,
): Promise<DeliveryResult> {
  let response: SinkResponse;
  try {
    response = await http(request, signal);
  } catch (error) {
    return { kind: 'retry', problem: problemText(error), retryAfterMs: null };
  }
  return judge(response);
}

/** One line of what was thrown. */
export function problemText(error: unknown): string {
  return clip(oneLine(error instanceof Error ? error.message : String(error)), SHOWN_MAX);
}
