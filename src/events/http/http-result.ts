import type { DeliveryResult, SinkResponse } from '../sink.ts';
import { HttpProblem } from './http-problem.ts';

/**
 * What an answer means for a delivery: 2xx is delivered, 410 turns the sink off, all else is tried again, as Standard
 * Webhooks says, with the receiver's `Retry-After` where it gives one.
 */
export function httpResult(ask: () => Promise<SinkResponse>, nowMs: number): Promise<DeliveryResult> {
  return judged(ask, ({ status, headers }) => {
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    const problem = `answered ${status}`;
    if (status === 410) return { kind: 'gone', problem };
    return { kind: 'retry', problem, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs) };
  });
}

/** What brings no answer is to be tried again; an answer is what `judge` makes of it. Rejects by a fault of ours only. */
export async function judged(
  ask: () => Promise<SinkResponse>,
  judge: (response: SinkResponse) => DeliveryResult,
): Promise<DeliveryResult> {
  let response: SinkResponse;
  try {
    response = await ask();
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    return { kind: 'retry', problem: error.message, retryAfterMs: null };
  }
  return judge(response);
}

/** Of the header (RFC 9110, 10.2.3): seconds or a date. null: none, or none that can be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  const written = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(written)) return Number(written) * 1000;
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(written)) return null;
  const at = Date.parse(written);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
