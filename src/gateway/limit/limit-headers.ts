import type { RulePolicy } from '../../config/index.ts';
import { inOnePiece } from '../../http/index.ts';
import { fullRefillSeconds, refillSeconds } from '../../limits/index.ts';

/** Which headers tell callers of their limit: the IETF draft's pair, these and the older trio, or none. */
export type LimitHeaders = 'standard' | 'both' | 'none';

/** A rule's header lines: what of them never changes is made once for each limit plan. */
export interface LimitLines {
  /** `RateLimit-Policy` and the like, whole lines, then `RateLimit: "name";r=`: the numbers follow. */
  readonly beforeRemaining: string;
  readonly headers: LimitHeaders;
}

/**
 * `q` is the bucket's capacity in tokens, `w` the seconds of a full refill.
 * Source: draft-ietf-httpapi-ratelimit-headers, structured fields (RFC 9651).
 */
export function limitLines(rule: RulePolicy, headers: LimitHeaders): LimitLines | null {
  if (headers === 'none') return null;
  const name = `"${rule.name.replace(/[\\"]/g, '\\$&')}"`;
  const standard = `RateLimit-Policy: ${name};q=${rule.capacity};w=${fullRefillSeconds(rule)}\r\n`;
  const policy = headers === 'both' ? `${standard}X-RateLimit-Limit: ${rule.capacity}\r\n` : standard;
  return { beforeRemaining: inOnePiece(`${policy}RateLimit: ${name};r=`), headers };
}

/**
 * All of a rule's lines after a take: `r` whole tokens left, `t` seconds until the bucket is full again.
 *
 * @param remaining tokens in the bucket, fractions allowed
 */
export function limitHeaderLines(lines: LimitLines, rule: RulePolicy, remaining: number): string {
  const seconds = refillSeconds(rule, remaining);
  const whole = Math.floor(remaining);
  // What is short first: V8 copies pieces of up to 12 characters instead of keeping both.
  const standard = lines.beforeRemaining + `${whole};t=${seconds}\r\n`;
  if (lines.headers === 'standard') return standard;
  const reset = Math.floor(Date.now() / 1000) + seconds;
  return `${standard}X-RateLimit-Remaining: ${whole}\r\nX-RateLimit-Reset: ${reset}\r\n`;
}

/** Names in responses that browsers may read. */
export function exposedHeaders(headers: LimitHeaders): string[] {
  const always = ['X-Request-Id', 'Retry-After'];
  if (headers === 'none') return always;
  const standard = [...always, 'RateLimit-Policy', 'RateLimit'];
  return headers === 'both'
    ? [...standard, 'X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']
    : standard;
}
