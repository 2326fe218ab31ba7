import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpRequest, HttpSettings, Peer, RefuseHttp, Reply, RequestHandler } from './message.ts';

/** What a refused upload may still send before its connection is closed: enough for the answer to arrive. */
const DISCARD_BYTES_MAX = 4 << 20;
const DISCARD_MS_MAX = 1000;

/** The `request` listener of node:http for everything that the lane leaves to it. */
export function createFallback(options: {
  handler: RequestHandler;
  refuse: RefuseHttp;
  settings: () => HttpSettings;
  draining: () => boolean;
}): (incoming: IncomingMessage, response: ServerResponse) => void {
  return (incoming, response) => {
    const reply = new FallbackReply(response, options.draining);
    const maxBytes = options.settings().maxBodyBytes;
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
      refuseBody(incoming, response, options.refuse);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        chunks.length = 0;
        incoming.off('data', onData);
        incoming.off('end', onEnd);
        refuseBody(incoming, response, options.refuse);
      } else chunks.push(chunk);
    };
    const onEnd = (): void => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
      options.handler(describe(incoming, body), reply);
    };
    incoming.on('data', onData);
    incoming.on('end', onEnd);
    incoming.on('error', () => {});
  };
}

function describe(incoming: IncomingMessage, body: Buffer): HttpRequest {
  const header = (name: string): string | undefined => {
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    apiKey: header('x-api-key'),
    authorization: header('authorization'),
    origin: header('origin'),
    forwardedFor: header('x-forwarded-for'),
    forwarded: header('forwarded'),
    requestId: header('x-request-id'),
    contentEncoding: header('content-encoding'),
    peer: peerOf(incoming),
    lane: 'fallback',
    bytes: body,
    bodyStart: 0,
    bodyEnd: body.length,
  };
}

const peers = new WeakMap<object, Peer>();

function peerOf({ socket }: IncomingMessage): Peer {
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = { address: socket.remoteAddress ?? '', memo: undefined };
    peers.set(socket, peer);
  }
  return peer;
}

/** Answers 413 at once, then reads on within a bound, so that the answer is not lost to a reset. */
function refuseBody(incoming: IncomingMessage, response: ServerResponse, refuse: RefuseHttp): void {
  const { status, headers, body } = refuse('body_too_large', incoming.headers.origin);
  response.writeHead(status, [...headerPairs(headers), 'Content-Length', String(body.length), 'Connection', 'close']);
  response.write(body, 'latin1');
  let discarded = 0;
  const finish = (): void => {
    clearTimeout(timer);
    incoming.off('data', discard);
    response.end();
    if (!incoming.complete) incoming.socket.destroySoon();
  };
  const timer = setTimeout(finish, DISCARD_MS_MAX);
  const discard = (chunk: Buffer): void => {
    discarded += chunk.length;
    if (discarded > DISCARD_BYTES_MAX) finish();
  };
  incoming.on('data', discard);
  incoming.once('end', finish);
  incoming.once('error', finish);
  incoming.resume();
}

/** `Name: value` lines as the flat array that `writeHead` takes. */
function headerPairs(lines: string): string[] {
  const pairs: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) pairs.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return pairs;
}

class FallbackReply implements Reply {
  private readonly response: ServerResponse;
  private readonly draining: () => boolean;
  private done = false;

  constructor(response: ServerResponse, draining: () => boolean) {
    this.response = response;
    this.draining = draining;
  }

  get abandoned(): boolean {
    return this.response.destroyed;
  }

  send(status: number, headers: string, body: string | Buffer): void {
    if (this.done) return;
    this.done = true;
    const response = this.response;
    const pairs = headerPairs(headers);
    if (status !== 204) pairs.push('Content-Length', String(body.length));
    if (this.draining()) pairs.push('Connection', 'close');
    response.writeHead(status, pairs);
    if (response.req.method === 'HEAD' || body.length === 0) response.end();
    else if (typeof body === 'string') response.end(body, 'latin1');
    else response.end(body);
  }
}
