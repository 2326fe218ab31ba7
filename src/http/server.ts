import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createFallback } from './fallback.ts';
import { createLane } from './lane.ts';
import type { HttpSettings, HttpStats, RefuseHttp, RequestHandler } from './message.ts';
import { statusAndDate } from './status-line.ts';
import type { Turn } from './turn.ts';

export interface HttpFront {
  /** Resolves with the port once it listens; rejects with the system's error, e.g. EADDRINUSE. */
  listen(address: { host: string; port: number; reusePort: boolean }): Promise<number>;
  /** Accepts nothing new, lets what is under way finish, and resolves when no connection is left. */
  drain(): Promise<void>;
  /** Ends every connection at once. */
  destroy(): void;
  /** New certificate for connections to come. Only where TLS was on from the start. */
  setTls(tls: TlsFiles): void;
  readonly stats: Readonly<HttpStats>;
}

/** PEM texts. */
export interface TlsFiles {
  cert: string;
  key: string;
}

/**
 * One listener with two parsers behind it: the fast lane sees each connection first, and gives what is not
 * plainly simple to node:http, whose own connection listener is kept for that. It must be the same server
 * object: the header and request timeouts of a server that never listened do not fire.
 */
export function createHttpFront(options: {
  handler: RequestHandler;
  refuse: RefuseHttp;
  turn: Turn;
  settings: () => HttpSettings;
  tls: TlsFiles | null;
  /** Milliseconds on any steady clock. */
  now: () => number;
  /** One read buffer for all plain connections; on by default. */
  sharedReads?: boolean;
}): HttpFront {
  const stats: HttpStats = {
    connections: 0,
    accepted: 0,
    refusedConnections: 0,
    handedOver: 0,
    timedOut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  let draining = false;
  const fallback = createFallback({ ...options, draining: () => draining });
  const server = createServer(options.tls, options.settings(), fallback);
  const connectionEvent = options.tls ? 'secureConnection' : 'connection';
  const nodeListener = takeOffListener(server, connectionEvent);

  const lane = createLane({
    ...options,
    stats,
    // TLS sockets decrypt into buffers of their own.
    sharedReads: options.tls === null && options.sharedReads !== false,
    handOver(socket, rest) {
      const { bytesRead, bytesWritten } = socket;
      socket.once('close', () => {
        stats.bytesIn += socket.bytesRead - bytesRead;
        stats.bytesOut += socket.bytesWritten - bytesWritten;
      });
      if (rest.length > 0) socket.unshift(rest);
      nodeListener.call(server, socket);
    },
  });

  const perAddress = new Map<string, number>();
  /** Closes what is over a bound; the TCP connection counts, also while TLS is still being agreed on. */
  const admit = (socket: Socket): boolean => {
    const settings = options.settings();
    const address = socket.remoteAddress ?? '';
    const ofAddress = perAddress.get(address) ?? 0;
    if (stats.connections >= settings.maxConnections || ofAddress >= settings.maxConnectionsPerAddress) {
      stats.refusedConnections++;
      socket.destroy();
      return false;
    }
    stats.accepted++;
    stats.connections++;
    perAddress.set(address, ofAddress + 1);
    socket.once('close', () => {
      stats.connections--;
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    return true;
  };
  if (options.tls) {
    server.prependListener('connection', admit);
    server.on('secureConnection', (socket: Socket) => lane.accept(socket));
    server.on('tlsClientError', (_error, socket: Socket) => socket.destroy());
  } else {
    server.on('connection', (socket: Socket) => {
      if (admit(socket)) lane.accept(socket);
    });
  }

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const { status, headers, body } = options.refuse(refusalOf(error.code));
    const head = `${statusAndDate(status, Date.now())}${headers}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.end(head + body, 'latin1', () => socket.destroy());
  });

  return {
    stats,
    listen: ({ host, port, reusePort }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, reusePort, backlog: 4096 }, () => {
          server.off('error', reject);
          const address = server.address();
          resolve(typeof address === 'object' && address ? address.port : port);
        });
      }),
    async drain() {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.all([lane.drain(), closed]);
    },
    destroy() {
      lane.destroy();
      server.closeAllConnections();
    },
    setTls(tls) {
      (server as TlsServer).setSecureContext(tls);
    },
  };
}

function createServer(tls: TlsFiles | null, settings: HttpSettings, fallback: RequestListener): Server | TlsServer {
  const shared = {
    headersTimeout: settings.headerTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    connectionsCheckingInterval: 500,
    maxHeaderSize: settings.maxHeaderBytes,
    noDelay: true,
    requireHostHeader: true,
  };
  return tls ? createHttpsServer({ ...shared, ...tls }, fallback) : createHttpServer(shared, fallback);
}

function takeOffListener(server: Server | TlsServer, event: string): (this: unknown, socket: Socket) => void {
  const listeners = server.listeners(event) as ((this: unknown, socket: Socket) => void)[];
  const own = listeners.at(-1);
  if (own === undefined) throw new Error(`node:http has no ${event} listener to take over`);
  server.off(event, own);
  return own;
}

function refusalOf(code: string | undefined): 'headers_too_large' | 'request_timeout' | 'bad_http' {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return 'bad_http';
}
