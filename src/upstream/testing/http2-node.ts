import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { Socket } from 'node:net';
import { answerTo } from '../../../test/fakes/upstream.ts';

/** One request as the node sees it. */
export interface Http2Request {
  stream: ServerHttp2Stream;
  session: ServerHttp2Session;
  socket: Socket;
  body: string;
  /** The right answer: JSON text, '' for a notification. */
  answer: string;
  /** Place of this request on its connection, from 0. */
  place: number;
  /** Answers with this body, one byte a character. */
  send(body?: string, headers?: OutgoingHttpHeaders): void;
}

export type Http2Vice = (request: Http2Request) => void;

/** A JSON-RPC node over HTTP/2 that answers each call with its first param, unless told otherwise. */
export interface Http2Node {
  readonly port: number;
  readonly bodies: string[];
  readonly heads: IncomingHttpHeaders[];
  /** Connections accepted so far; open now. */
  readonly accepted: number;
  readonly open: number;
  /** Most requests it had at a time on one connection. */
  readonly most: number;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  behave(vice: Http2Vice): void;
  drop(reset?: boolean): void;
  close(): Promise<void>;
}

export interface Http2NodeOptions {
  vice?: Http2Vice;
  settings?: Settings;
  tls?: { cert: string; key: string };
}

const rightly: Http2Vice = (request) => request.send();

export async function startHttp2Node({
  vice = rightly,
  settings = {},
  tls,
}: Http2NodeOptions = {}): Promise<Http2Node> {
  let behaviour = vice;
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const bodies: string[] = [];
  const heads: IncomingHttpHeaders[] = [];
  let accepted = 0;
  let most = 0;

  const server: Http2Server =
    tls === undefined ? createServer({ settings }) : createSecureServer({ ...tls, settings });
  // Before the server's own listener, which makes the session.
  server.prependListener('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    let place = 0;
    let present = 0;
    sessions.add(session);
    const socket = [...sockets].at(-1)!;
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
    session.on('stream', (stream, headers) => {
      most = Math.max(most, ++present);
      let body = '';
      stream.on('error', () => {});
      stream.on('close', () => present--);
      stream.setEncoding('latin1');
      stream.on('data', (text: string) => {
        body += text;
      });
      stream.on('end', () => {
        if (stream.destroyed) return;
        bodies.push(body);
        heads.push(headers);
        const answer = answerTo(body);
        behaviour({
          stream,
          session,
          socket,
          body,
          answer,
          place: place++,
          send(text = answer, others = {}) {
            if (stream.destroyed) return;
            stream.respond({
              ':status': text === '' ? 204 : 200,
              'content-type': 'application/json',
              ...others,
            });
            stream.end(Buffer.from(text, 'latin1'));
          },
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    bodies,
    heads,
    sessions,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    get most() {
      return most;
    },
    behave(next) {
      behaviour = next;
    },
    drop(reset = false) {
      for (const socket of sockets) {
        if (reset) socket.resetAndDestroy();
        else socket.destroy();
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
