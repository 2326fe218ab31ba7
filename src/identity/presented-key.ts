/** What `presentedKey` gives when a request presents two different keys: answered 401. */
export const keyConflict: unique symbol = Symbol('two different keys');

/** The places of a key, raw: header values as received, the path segment as sent, the query value percent-decoded. */
export interface KeySources {
  /** Value of `X-API-Key`. */
  xApiKey?: string | undefined;
  /** Value of `Authorization`; only the scheme `Bearer` (any case) presents a key. */
  authorization?: string | undefined;
  /** The path segment that stands where a key may: `/<key>` or `/<network>/<key>`. */
  path?: string | undefined;
  /** Value of `api_key` in the query (`keyInQuery`). */
  query?: string | typeof keyConflict | undefined;
  /** Offered as a WebSocket subprotocol (`keyInProtocols`): the one place beside path and query that a browser can set. */
  subprotocol?: string | typeof keyConflict | undefined;
}

/** Where a key was found, in the order in which the places are looked at. */
export type KeyPlace = 'x-api-key' | 'bearer' | 'path' | 'query' | 'subprotocol';

/**
 * The key a request presents; undefined if none. The same key in several places is one key, two different
 * ones are `keyConflict`. A place that is there and empty (`?api_key=`) presents the empty key, which no
 * index holds: whoever lost a key on the way must hear of it and not be served as anonymous.
 */
export function presentedKey(sources: KeySources): string | typeof keyConflict | undefined {
  const { xApiKey, authorization, path, query, subprotocol } = sources;
  let key = xApiKey;
  const bearer = authorization === undefined ? undefined : bearerToken(authorization);
  if (bearer !== undefined) {
    if (key !== undefined && key !== bearer) return keyConflict;
    key = bearer;
  }
  if (path !== undefined) {
    if (key !== undefined && key !== path) return keyConflict;
    key = path;
  }
  if (query !== undefined) {
    if (query === keyConflict || (key !== undefined && key !== query)) return keyConflict;
    key = query;
  }
  if (subprotocol === undefined) return key;
  return key === undefined || key === subprotocol ? subprotocol : keyConflict;
}

/** The first place that presents a key; null if none does. For the decision record. */
export function keyFoundIn(sources: KeySources): KeyPlace | null {
  if (sources.xApiKey !== undefined) return 'x-api-key';
  if (sources.authorization !== undefined && bearerToken(sources.authorization) !== undefined)
    return 'bearer';
  if (sources.path !== undefined) return 'path';
  if (sources.query !== undefined) return 'query';
  return sources.subprotocol === undefined ? null : 'subprotocol';
}

/** What a subprotocol that carries a key begins with. */
const PROTOCOL_PREFIX = 'api-key.';

/** Whether a subprotocol carries a key: `api-key.KEY`. */
export function isKeyProtocol(protocol: string): boolean {
  return protocol.startsWith(PROTOCOL_PREFIX);
}

/** The key among the subprotocols a client offers; undefined if there is none, `keyConflict` if there are two. */
export function keyInProtocols(protocols: Iterable<string>): string | typeof keyConflict | undefined {
  let key: string | undefined;
  for (const protocol of protocols) {
    if (!isKeyProtocol(protocol)) continue;
    const value = protocol.slice(PROTOCOL_PREFIX.length);
    if (key !== undefined && key !== value) return keyConflict;
    key = value;
  }
  return key;
}

/**
 * The value of `api_key` in a query string (without `?`), percent-decoded where it can be; undefined if it is
 * not there, `keyConflict` if it is there with two values.
 */
export function keyInQuery(query: string): string | typeof keyConflict | undefined {
  if (!query.includes('api_key')) return undefined;
  let key: string | undefined;
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    if ((equals < 0 ? part : part.slice(0, equals)) === 'api_key') {
      const value = equals < 0 ? '' : percentDecoded(part.slice(equals + 1));
      if (key !== undefined && key !== value) return keyConflict;
      key = value;
    }
  }
  return key;
}

/** The text itself where it is no percent-encoding: then it is no key either. */
function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 6750: the scheme's name in any case, then spaces, then the token; another scheme presents none. */
function bearerToken(authorization: string): string | undefined {
  const match = /^bearer(?: +|$)/i.exec(authorization);
  return match === null ? undefined : authorization.slice(match[0].length);
}
