import type { FailureKind, UpstreamFailure } from './call.ts';

const codes: Record<FailureKind, UpstreamFailure['code']> = {
  connect: 'no_upstream',
  overloaded: 'overloaded',
  timeout: 'upstream_timeout',
  reset: 'upstream_invalid',
  truncated: 'upstream_invalid',
  oversized: 'upstream_invalid',
  http: 'upstream_invalid',
  status: 'upstream_invalid',
  answer: 'upstream_invalid',
  throttled: 'overloaded',
};

/** What the caller is told follows from the kind. */
export function failureOf(
  kind: FailureKind,
  reason: string,
  delivered: UpstreamFailure['delivered'],
  retryAfterMs?: number,
): UpstreamFailure {
  const failure = { code: codes[kind], kind, reason, delivered };
  return retryAfterMs === undefined ? failure : { ...failure, retryAfterMs };
}

/** The node did not let it in: it was too much, or HTTP says that the request was at fault. */
export function refused({ kind, reason }: UpstreamFailure): boolean {
  return kind === 'throttled' || (kind === 'status' && reason.startsWith('HTTP 4'));
}
