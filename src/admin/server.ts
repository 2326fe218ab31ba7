import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHostCheck, type HostCheck } from './auth/host.ts';
import { type AdminTokenDigest, createTokenCheck, type TokenCheck } from './auth/token.ts';
import { bodyBytesMax, readJsonBody } from './body.ts';
import type { AdminPorts } from './ports.ts';
import { AdminProblem, adminProblems, problemBody } from './problem.ts';
import { type AdminReply, matchRoute } from './router.ts';
import { adminRoutes } from './routes/index.ts';

/** What may change while the listener runs. */
export interface AdminAccess {
  /** null: no token is asked for, which the configuration allows on loopback only. */
  token: AdminTokenDigest | null;
  allowedHosts: readonly string[];
}

export interface AdminServerOptions extends AdminAccess {
  host: string;
  /** 0 lets the system choose; see `address` of the result. */
  port: number;
  /** Passes beside `token`, also beside one that a reload brings. Default: none does. */
  ownerToken?: AdminTokenDigest;
  ports: AdminPorts;
  /** Told of failures of our own, never of callers' mistakes. */
  onError(error: unknown): void;
}

export interface AdminServer {
  address: { host: string; port: number };
  /** A reload: the next request is judged by these. */
  setAccess(access: AdminAccess): void;
  /** Stops listening and ends all connections; open answers get `graceMs` to finish. */
  close(graceMs: number): Promise<void>;
}

/**
 * Starts the admin listener. It shares the main thread, so every input is bounded (64 KiB of body, 1 MiB with the token, 16 KiB of head,
 * 5 s for a head, 10 s for a request, 256 connections) and no request can throw past it. Rejects with the listen
 * error (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  let tokenCheck: TokenCheck;
  let hostCheck: HostCheck;
  const setAccess = (access: AdminAccess) => {
    tokenCheck = createTokenCheck(access.token, options.ownerToken);
    hostCheck = createHostCheck({ listenHost: options.host, allowedHosts: access.allowedHosts });
  };
  setAccess(options);

  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 },
    (request, response) => {
      answer(request, { ports: options.ports, tokenCheck, hostCheck })
        .catch((error: unknown) => replyToFailure(error, options.onError))
        .then((reply) => send(request, response, reply, options.ports.instanceId))
        .catch((error: unknown) => {
          options.onError(error);
          response.destroy();
        });
    },
  );
  server.maxConnections = 256;
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
  // Without a listener, CONNECT and Upgrade would be dropped silently or left to hang.
  for (const event of ['connect', 'upgrade'] as const)
    server.on(event, (_request, socket) => socket.destroy());

  const address = await listen(server, options.host, options.port);
  server.on('error', options.onError);
  return { address, setAccess, close: (graceMs) => close(server, graceMs) };
}

interface Answering {
  ports: AdminPorts;
  tokenCheck: TokenCheck;
  hostCheck: HostCheck;
}

type Reply = AdminReply & {
  headers?: Record<string, string>;
  problem?: boolean;
};

async function answer(request: IncomingMessage, { ports, tokenCheck, hostCheck }: Answering): Promise<Reply> {
  if (!hostCheck(onlyHost(request), request.socket.localAddress)) {
    throw new AdminProblem(
      'host_refused',
      'the Host header names neither this listener nor one of admin.allowed_hosts',
    );
  }
  const target = request.url ?? '';
  if (!target.startsWith('/')) throw new AdminProblem('bad_request', 'the request target must be a path');
  const [pathname, query] = splitOnce(target, '?');
  const { route, params } = matchRoute(adminRoutes, request.method ?? '', pathname);
  const authorized = tokenCheck(request.headers.authorization);
  if (route.access === 'token' && !authorized) {
    throw new AdminProblem('unauthorized', 'send Authorization: Bearer with the token of admin.token', {
      'www-authenticate': 'Bearer realm="polymorph admin"',
    });
  }
  const hasBody = route.method !== 'GET' && route.method !== 'DELETE';
  const body = hasBody ? await readJsonBody(request, bodyBytesMax[route.access]) : undefined;
  const { accept } = request.headers;
  const { remoteAddress: peer } = request.socket;
  const asked = new URLSearchParams(query);
  return route.handle({ ports, params, query: asked, body, authorized, accept, peer });
}

/** node keeps the first of several Host lines; two are refused instead, as RFC 9112 section 3.2 asks. */
function onlyHost(request: IncomingMessage): string | undefined {
  const hosts = request.headersDistinct['host'] ?? [];
  return hosts.length === 1 ? hosts[0] : undefined;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function replyToFailure(error: unknown, onError: (error: unknown) => void): Reply {
  if (error instanceof AdminProblem) {
    const { status } = adminProblems[error.code];
    return {
      status,
      body: problemBody(error.code, error.message, error.reason),
      headers: error.headers,
      problem: true,
    };
  }
  onError(error);
  return { status: 500, body: problemBody('internal', 'see the log'), problem: true };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply, instanceId: string): void {
  if (response.destroyed) return;
  const bytes = Buffer.from('text' in reply ? reply.text : `${JSON.stringify(reply.body)}\n`);
  // An unread body would be taken for the next request; the connection ends instead.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(reply.status, {
    'content-type': contentTypeOf(reply),
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-polymorph-instance': instanceId,
    ...reply.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function contentTypeOf(reply: Reply): string {
  if ('text' in reply) return reply.contentType;
  return reply.problem === true ? 'application/problem+json' : 'application/json';
}

function listen(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const bound = server.address() as AddressInfo;
      resolve({ host: bound.address, port: bound.port });
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
