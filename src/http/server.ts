import { Server as NetServer, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:https';
import { createConnectionAdmission } from './admission.ts';
import type { ConnectionCounts, PlaceHash } from './connection-counts.ts';
import { createFallback } from './fallback.ts';
import { HeldAnswers } from './held-answers.ts';
import { createLane } from './lane.ts';
import { endWith, lastAnswer } from './last-answer.ts';
import {
  HELD_BYTES_MAX,
  type HttpSettings,
  type HttpStats,
  noHttpStats,
  type RefuseHttp,
  type RequestHandler,
} from './message.ts';
import { type NodeConnection, nodeConnectionOf } from './node-connection.ts';
import { createNodeServer, type NodeServer, setTimeouts, type TlsFiles } from './node-server.ts';
import type { Turn } from './turn.ts';
import { createUpgradeListener, type UpgradeHandler } from './upgrade.ts';

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
  /** What clients of this worker leave unread, whatever the transport. */
  readonly held: HeldAnswers;
}

export interface HttpFrontOptions {
  handler: RequestHandler;
  /** Takes requests for a WebSocket; it ends what it opened itself before a drain can end. */
  upgrade?: UpgradeHandler;
  refuse: RefuseHttp;
  turn: Turn;
  settings: () => HttpSettings;
  tls: TlsFiles | null;
  /** Of all workers, this one's row. */
  counts: ConnectionCounts;
  /** Seeded: callers choose their addresses. */
  hash: PlaceHash;
  /** Milliseconds on any steady clock. */
  now: () => number;
  /** One read buffer for all plain connections; on by default. */
  sharedReads?: boolean;
}

/** Connections refused over a bound that are being told so; more are cut without a word. */
const REFUSING_MAX = 256;
/** How often connections of node:http are looked at: their clients are cut up to this much late. */
const NODE_SWEEP_MS = 250;
/** How often a drain looks for connections of node:http that have become idle. */
const DRAIN_LOOK_MS = 200;

/**
 * One listener with two parsers behind it: the fast lane sees each connection first, and gives what is not
 * plainly simple to node:http, whose own connection listener is kept for that. It must be the same server
 * object: the header and request timeouts of a server that never listened do not fire.
 */
export function createHttpFront(options: HttpFrontOptions): HttpFront {
  const stats = noHttpStats();
  let draining = false;
  let applied = options.settings();
  const held = new HeldAnswers(HELD_BYTES_MAX);
  const fallback = createFallback({ ...options, held, draining: () => draining });
  const atNode = new Set<NodeConnection>();
  const onUpgrade =
    options.upgrade &&
    createUpgradeListener({
      handler: options.upgrade,
      refuse: options.refuse,
      draining: () => draining,
      left: (connection) => atNode.delete(connection),
    });
  const server = createNodeServer(options.tls, applied, fallback, options.refuse, onUpgrade);
  const nodeListener = takeOffListener(server, options.tls ? 'secureConnection' : 'connection');

  const sweeper = setInterval(() => {
    const now = options.now();
    const { requestTimeoutMs } = options.settings();
    for (const connection of atNode) connection.sweep(now, requestTimeoutMs);
  }, NODE_SWEEP_MS).unref();

  const lane = createLane({
    ...options,
    stats,
    held,
    // TLS sockets decrypt into buffers of their own.
    sharedReads: options.tls === null && options.sharedReads !== false,
    handOver(socket) {
      const { bytesRead, bytesWritten } = socket;
      const connection = nodeConnectionOf(socket);
      atNode.add(connection);
      socket.once('close', () => {
        atNode.delete(connection);
        stats.bytesIn += socket.bytesRead - bytesRead;
        stats.bytesOut += socket.bytesWritten - bytesWritten;
      });
      const settings = options.settings();
      if (settings !== applied) setTimeouts(server, (applied = settings));
      nodeListener.call(server, socket);
    },
  });

  /** Those that no parser reads: refused, or TCP below TLS. */
  const unserved = new Set<Socket>();
  const admit = createConnectionAdmission({ ...options, stats });
  /** Nothing of it is read, and no TLS spoken with it. */
  const isBanned = (socket: Socket): boolean => {
    if (!options.settings().isBanned(socket.remoteAddress ?? '')) return false;
    stats.bannedConnections++;
    socket.destroy();
    return true;
  };
  if (options.tls) {
    // The TCP connection counts, also while TLS is still being agreed on.
    server.prependListener('connection', (socket: Socket) => {
      if (isBanned(socket)) return;
      const leave = admit(socket);
      if (leave === undefined) {
        socket.destroy();
        return;
      }
      unserved.add(socket);
      socket.once('close', () => {
        unserved.delete(socket);
        leave();
      });
    });
    server.on('secureConnection', (socket: Socket) => void lane.accept(socket));
  } else {
    server.on('connection', (socket: Socket) => {
      if (isBanned(socket)) return;
      const leave = admit(socket);
      if (leave) lane.accept(socket).once('close', leave);
      else if (unserved.size >= REFUSING_MAX) socket.destroy();
      else {
        unserved.add(socket);
        endWith(
          socket,
          lastAnswer(options.refuse('overloaded', { address: socket.remoteAddress ?? '', lane: 'fast' })),
          () => unserved.delete(socket),
        );
      }
    });
  }

  return {
    stats,
    held,
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
      // Not node:http's close, which at once ends connections on which a request may be on its way.
      const closed = new Promise<void>((resolve) => {
        NetServer.prototype.close.call(server, () => resolve());
      });
      const idle = setInterval(() => server.closeIdleConnections(), DRAIN_LOOK_MS);
      await Promise.all([lane.drain(), closed]);
      clearInterval(idle);
      clearInterval(sweeper);
      // Ends its own timers.
      server.close(() => {});
    },
    destroy() {
      clearInterval(sweeper);
      lane.destroy();
      server.closeAllConnections();
      for (const socket of unserved) socket.destroy();
    },
    setTls(tls) {
      (server as TlsServer).setSecureContext(tls);
    },
  };
}

function takeOffListener(server: NodeServer, event: string): (this: unknown, socket: Socket) => void {
  const listeners = server.listeners(event) as ((this: unknown, socket: Socket) => void)[];
  const own = listeners.at(-1);
  if (own === undefined) throw new Error(`node:http has no ${event} listener to take over`);
  server.off(event, own);
  return own;
}
