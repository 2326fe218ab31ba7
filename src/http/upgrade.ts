import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { headFault } from './head-fault.ts';
import { endWith, lastAnswer } from './last-answer.ts';
import type { RefuseHttp, RequestWords } from './message.ts';
import { type NodeConnection, nodeConnectionOf } from './node-connection.ts';
import { refusedPeerOf, wordsOf } from './request-words.ts';

/** A sound request to open a WebSocket (RFC 6455, 4.2.1), of which nothing was answered yet. */
export interface UpgradeRequest extends RequestWords {
  /** The subprotocols offered, in order. */
  readonly protocols: readonly string[];
  /** As the kernel says it: no proxy's word. */
  readonly address: string;
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  /** What came behind the request. */
  readonly head: Buffer;
  /** Answers with an error and ends the connection. @param headers whole lines, each ended by CRLF */
  refuse(status: number, headers: string, body: string): void;
}

export type UpgradeHandler = (request: UpgradeRequest) => void;

/**
 * Whether a request asks for a WebSocket. Any other `Upgrade`, and that of a call, is ignored and its request served (RFC
 * 9110, 7.8).
 */
export function asksForWebSocket({ headers, method }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/** The `upgrade` listener of node:http. */
export function createUpgradeListener(options: {
  handler: UpgradeHandler;
  refuse: RefuseHttp;
  draining: () => boolean;
  /** The handler has the connection from now on, and sees to its bounds. */
  left: (connection: NodeConnection) => void;
}): (incoming: IncomingMessage, socket: Socket, head: Buffer) => void {
  return (incoming, socket, head) => {
    const connection = nodeConnectionOf(socket);
    const refuse: UpgradeRequest['refuse'] = (status, headers, body) => {
      if (socket.writable) endWith(socket, lastAnswer({ status, headers, body }));
      else socket.destroy();
    };
    socket.on('error', ignore);
    // Its own clock runs from here: what may wait is the admission.
    connection.afterAnswers(() => {
      if (connection.closing || !socket.writable) return void socket.destroy();
      if (options.draining() || !isSound(incoming)) {
        const code = options.draining() ? 'overloaded' : 'bad_http';
        const answer = options.refuse(code, refusedPeerOf(incoming, connection.address));
        return refuse(answer.status, `${answer.headers}Sec-WebSocket-Version: 13\r\n`, answer.body);
      }
      const protocols = offered(incoming);
      options.left(connection);
      options.handler({
        ...wordsOf(incoming),
        protocols,
        address: connection.address,
        incoming,
        socket,
        head,
        refuse,
      });
    });
  };
}

function ignore(): void {}

const keyForm = /^[+/0-9A-Za-z]{22}==$/;
const tokenForm = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function isSound(incoming: IncomingMessage): boolean {
  const { headers } = incoming;
  return (
    asksForWebSocket(incoming) &&
    headFault(incoming) === undefined &&
    incoming.httpVersion === '1.1' &&
    headers['sec-websocket-version'] === '13' &&
    keyForm.test(headers['sec-websocket-key'] ?? '') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    offered(incoming).every((protocol, k, all) => tokenForm.test(protocol) && all.indexOf(protocol) === k)
  );
}

function offered({ headers }: IncomingMessage): string[] {
  const text = headers['sec-websocket-protocol'];
  return text === undefined ? [] : text.split(',').map((protocol) => protocol.trim());
}
