import type { RulePolicy } from '../config/index.ts';
import { fullRefillSeconds, refillSeconds } from '../limits/index.ts';

/** Which headers tell callers of their limit: the IETF draft's pair, these and the older trio, or none. */
export type LimitHeaders = 'standard' | 'both' | 'none';

/**
 * What of a rule's headers never changes. `q` is the bucket's capacity in tokens, `w` the seconds of a full refill.
 * Source: draft-ietf-httpapi-ratelimit-headers, structured fields (RFC 9651).
 */
export function policyLines(rule: RulePolicy, headers: LimitHeaders): string {
  if (headers === 'none') return '';
  const standard = `RateLimit-Policy: ${quoted(rule.name)};q=${rule.capacity};w=${fullRefillSeconds(rule)}\r\n`;
  return headers === 'both' ? `${standard}X-RateLimit-Limit: ${rule.capacity}\r\n` : standard;
}

/**
 * The rest, after a take: `r` whole tokens left, `t` seconds until the bucket is full again.
 *
 * @param remaining tokens in the bucket, fractions allowed
 * @param epochMs wall clock, for the older trio's reset time
 */
export function remainingLines(rule: RulePolicy, remaining: number, headers: LimitHeaders, epochMs: number): string {
  if (headers === 'none') return '';
  const seconds = refillSeconds(rule, remaining);
  const whole = Math.floor(remaining);
  const standard = `RateLimit: ${quoted(rule.name)};r=${whole};t=${seconds}\r\n`;
  if (headers === 'standard') return standard;
  const reset = Math.floor(epochMs / 1000) + seconds;
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

function quoted(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`;
}
