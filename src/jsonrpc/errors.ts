/** Where the pages of the errors stand unless `server.docs_url` says otherwise; the code follows. */
export const docsBase = 'docs/errors.md#';

/** How one kind of refusal is answered. */
export interface Refusal {
  /** JSON-RPC error code. */
  readonly rpc: number;
  /** HTTP status, where the refusal is the whole answer. */
  readonly http: number;
  /** Public message; printable ASCII. */
  readonly message: string;
  /** Address of the page that explains it. */
  readonly page: string;
}

function refusal(code: string, rpc: number, http: number, message: string): Refusal {
  return { rpc, http, message, page: docsBase + code };
}

/**
 * Every way in which this program, and not the node, answers with an error. Clients depend on the
 * numbers: viem retries -32005, -32603, 429 and HTTP 403, 408, 413, 429, 5xx, but never -32004 and
 * -32601; so what must not be repeated uses none of the former.
 */
export const refusals = {
  parse_error: refusal('parse_error', -32700, 400, 'Parse error'),
  invalid_request: refusal('invalid_request', -32600, 400, 'Invalid request'),
  body_too_large: refusal('body_too_large', -32600, 413, 'Request body too large'),
  rate_limited: refusal('rate_limited', -32005, 429, 'Rate limit exceeded'),
  quota_exhausted: refusal('quota_exhausted', 402, 402, 'Quota used up'),
  method_blocked: refusal('method_blocked', -32004, 200, 'Method not available'),
  unauthorized: refusal('unauthorized', -32001, 401, 'Unauthorized'),
  forbidden: refusal('forbidden', -32011, 403, 'Forbidden'),
  no_upstream: refusal('no_upstream', -32603, 503, 'No upstream available'),
  upstream_timeout: refusal('upstream_timeout', -32002, 504, 'Upstream timed out'),
  upstream_invalid: refusal('upstream_invalid', -32603, 502, 'Upstream answered with an invalid response'),
  path_not_found: refusal('path_not_found', -32601, 404, 'Path not found'),
  encoding_unsupported: refusal('encoding_unsupported', -32600, 415, 'Compressed bodies are not supported'),
  http_method_unsupported: refusal('http_method_unsupported', -32600, 405, 'HTTP method not supported'),
  request_timeout: refusal('request_timeout', -32600, 408, 'Request took too long to arrive'),
  headers_too_large: refusal('headers_too_large', -32600, 431, 'Request headers too large'),
  bad_http: refusal('bad_http', -32600, 400, 'Malformed HTTP request'),
  too_many_sockets: refusal('too_many_sockets', -32005, 429, 'Too many WebSocket connections'),
  too_many_subscriptions: refusal('too_many_subscriptions', -32005, 429, 'Too many subscriptions'),
  subscription_unsupported: refusal('subscription_unsupported', -32601, 404, 'Subscription not available'),
  overloaded: refusal('overloaded', -32603, 503, 'Overloaded'),
  unmetered: refusal('unmetered', -32603, 503, 'Usage cannot be recorded'),
} as const;

export type RefusalCode = keyof typeof refusals;
