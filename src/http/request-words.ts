import type { IncomingMessage } from 'node:http';
import type { RefusedPeer, RequestWords } from './message.ts';

/** Of a request that node:http read, an upgrade too. */
export function wordsOf(incoming: IncomingMessage): RequestWords {
  const header = (name: string): string | undefined => {
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    target: originForm(incoming.url ?? '/'),
    apiKey: header('x-api-key'),
    authorization: header('authorization'),
    origin: header('origin'),
    forwardedFor: header('x-forwarded-for'),
    forwarded: header('forwarded'),
    requestId: header('x-request-id'),
    contentEncoding: header('content-encoding'),
  };
}

/** Whose request HTTP refuses although its head was read. */
export function refusedPeerOf(incoming: IncomingMessage, address: string): RefusedPeer {
  const { origin, forwardedFor, forwarded } = wordsOf(incoming);
  return { address, lane: 'fallback', origin, forwardedFor, forwarded };
}

/** `/eth?x` of `http://host/eth?x`, which a server must take too (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = /^https?:\/\/[^/?#]+([/?].*)?$/i.exec(target);
  if (rest === null) return target;
  return rest[1]?.startsWith('/') ? rest[1] : `/${rest[1] ?? ''}`;
}
