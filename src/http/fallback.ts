import type { IncomingMessage, ServerResponse } from 'node:http';
import { FallbackReply, headerPairs } from './fallback-reply.ts';
import { headFault } from './head-fault.ts';
import type { HeldAnswers } from './held-answers.ts';
import { DISCARD_BYTES_MAX, DISCARD_MS_MAX } from './last-answer.ts';
import type { HttpRequest, HttpSettings, RefuseHttp, RequestHandler } from './message.ts';
import { type NodeConnection, nodeConnectionOf } from './node-connection.ts';
import { RequestBody } from './request-body.ts';
import { refusedPeerOf, wordsOf } from './request-words.ts';
import type { Turn } from './turn.ts';

/** The `request`, `checkContinue` and `checkExpectation` listener of node:http for what the lane leaves to it. */
export function createFallback(options: {
  handler: RequestHandler;
  refuse: RefuseHttp;
  settings: () => HttpSettings;
  draining: () => boolean;
  held: HeldAnswers;
  turn: Turn;
}): (incoming: IncomingMessage, response: ServerResponse) => void {
  return (incoming, response) => {
    const connection = nodeConnectionOf(incoming.socket);
    if (connection.closing) return void incoming.resume();
    connection.closing = options.draining();
    connection.began(incoming);
    const reply = new FallbackReply(response, options.turn, (bytes) => {
      connection.heldBytes += bytes;
      options.held.grown(connection);
      return connection.endsWith(incoming, options.draining());
    });
    response.once('close', () => connection.finished(reply.bytes));
    // A bad head ends the connection, whatever its body is.
    const refuse = (code: 'bad_http' | 'body_too_large'): void => {
      connection.refused();
      refuseUnread(incoming, response, options.refuse(code, refusedPeerOf(incoming, connection.address)));
    };
    if (headFault(incoming) !== undefined) return refuse('bad_http');
    const maxBytes = options.settings().maxBodyBytes;
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return refuse('body_too_large');
    if (incoming.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    const body = new RequestBody();
    const onData = (chunk: Buffer): void => {
      body.add(chunk);
      if (body.length <= maxBytes) return;
      body.clear();
      incoming.off('data', onData);
      incoming.off('end', onEnd);
      refuse('body_too_large');
    };
    const onEnd = (): void => {
      options.handler(describe(incoming, body.bytes(), connection), reply);
    };
    incoming.on('data', onData);
    incoming.on('end', onEnd);
    incoming.on('error', ignore);
  };
}

function ignore(): void {}

function describe(incoming: IncomingMessage, body: Buffer, peer: NodeConnection): HttpRequest {
  return {
    ...wordsOf(incoming),
    method: incoming.method ?? 'GET',
    peer,
    lane: 'fallback',
    bytes: body,
    bodyStart: 0,
    bodyEnd: body.length,
  };
}

/** Answers at once and for the last time, then reads on within a bound, so that no reset overtakes the answer. */
function refuseUnread(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: ReturnType<RefuseHttp>,
): void {
  response.writeHead(status, [
    ...headerPairs(headers),
    'Content-Length',
    String(body.length),
    'Connection',
    'close',
  ]);
  if (incoming.method !== 'HEAD') response.write(body, 'latin1');
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
