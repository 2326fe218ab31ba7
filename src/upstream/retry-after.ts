/** Whoever asks for more is asked again after this. */
const RETRY_AFTER_MS_MAX = 3_600_000;

/**
 * Milliseconds of a Retry-After field (RFC 9110, 10.2.3): seconds, or an HTTP date, of which 0 is left when it is
 * past. At most an hour. Undefined for anything else.
 * @param wallMs now, since 1970
 */
export function retryAfterMs(text: string, wallMs: number): number | undefined {
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX);
  // `Date.parse` takes much more than HTTP's three forms, each of which begins with the day's name.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\dA-Za-z: -]+$/.test(text)) return undefined;
  // asctime's form names no zone: it is UTC.
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.min(Math.ceil(at - wallMs), RETRY_AFTER_MS_MAX));
}
