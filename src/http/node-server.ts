import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { endWith, lastAnswer } from './last-answer.ts';
import type { HttpSettings, RefuseHttp } from './message.ts';
import { nodeConnectionOf } from './node-connection.ts';
import { refusedPeerOf } from './request-words.ts';
import { asksForWebSocket, type createUpgradeListener } from './upgrade.ts';

/** PEM texts. */
export interface TlsFiles {
  cert: string;
  key: string;
}

/** How often node:http looks for slow requests. */
const CHECK_MS = 500;

export type NodeServer = Server | TlsServer;

/** A server of node:http for what the lane leaves to it; each of its answers has our headers and a body of ours. */
export function createNodeServer(
  tls: TlsFiles | null,
  settings: HttpSettings,
  listener: RequestListener,
  refuse: RefuseHttp,
  /** undefined: no upgrade is taken, and requests that ask for one are served as they are. */
  onUpgrade: ReturnType<typeof createUpgradeListener> | undefined,
): NodeServer {
  const shared = {
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: settings.maxHeaderBytes,
    noDelay: true,
    // A client that ends its side still gets the answers it waits for; node:https has it off.
    allowHalfOpen: true,
    // Its own answer to a request without Host is bare.
    requireHostHeader: false,
    // Older Nodes have no such option: any other upgrade is refused there.
    shouldUpgradeCallback: (request: IncomingMessage) => onUpgrade !== undefined && asksForWebSocket(request),
  };
  const server = tls
    ? createHttpsServer({ ...shared, ...tls, handshakeTimeout: settings.headerTimeoutMs }, listener)
    : createHttpServer(shared, listener);
  server.maxHeadersCount = 0;
  // The same for requests that node:http serves; not in Node's reference.
  Object.assign(server, { httpAllowHalfOpen: true });
  setTimeouts(server, settings);
  // Of a connection kept alive. One whose client takes nothing of its answers is not known by this, see StalledWrites.
  server.on('timeout', (socket: Socket) => {
    const connection = nodeConnectionOf(socket);
    if (connection.idle) connection.cut();
  });
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  server.on('connect', (request, socket: Socket) => {
    const peer = refusedPeerOf(request, nodeConnectionOf(socket).address);
    refuseSocket(socket, () => lastAnswer(refuse('http_method_unsupported', peer)));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const code = refusalOf(error.code);
    // What follows a request that was the last by its own word: dropped.
    if (error.code === 'HPE_CLOSED_CONNECTION') refuseSocket(socket, () => '');
    else if (code === undefined) socket.destroy();
    else refuseSocket(socket, () => lastAnswer(refuse(code, nodeConnectionOf(socket))));
  });
  return server;
}

/** Settings of a reload, for requests to come. */
export function setTimeouts(server: NodeServer, settings: HttpSettings): void {
  server.headersTimeout = Math.min(settings.headerTimeoutMs, settings.requestTimeoutMs);
  server.requestTimeout = settings.requestTimeoutMs;
  server.keepAliveTimeout = settings.idleTimeoutMs;
  // Read for each new connection; not in Node's reference.
  Object.assign(server, { maxHeaderSize: settings.maxHeaderBytes });
}

/** The last answer on a connection whose parser has given up, once those before it are out. */
function refuseSocket(socket: Socket, answer: () => string): void {
  const connection = nodeConnectionOf(socket);
  // The parser says so again at each further read.
  if (connection.failed) return;
  connection.failed = true;
  socket.removeAllListeners('data');
  socket.removeAllListeners('end');
  socket.on('data', () => {});
  socket.on('error', () => {});
  connection.afterAnswers(() => {
    if (socket.writable) endWith(socket, answer());
    else socket.destroy();
  });
}

function refusalOf(
  code: string | undefined,
): 'headers_too_large' | 'body_too_large' | 'request_timeout' | 'bad_http' | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 'body_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return code?.startsWith('HPE_') ? 'bad_http' : undefined;
}
