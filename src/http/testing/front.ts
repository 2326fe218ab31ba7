import { refusals } from '../../jsonrpc/index.ts';
import { createConnectionCounts, createConnectionMemory } from '../connection-counts.ts';
import type { HttpRequest, HttpSettings, Reply } from '../message.ts';
import type { TlsFiles } from '../node-server.ts';
import { createHttpFront, type HttpFront } from '../server.ts';
import { createTurn, type Turn } from '../turn.ts';
import type { UpgradeHandler } from '../upgrade.ts';

/** What the handler was given, copied. */
export interface Seen {
  method: string;
  target: string;
  apiKey: string | undefined;
  authorization: string | undefined;
  forwardedFor: string | undefined;
  requestId: string | undefined;
  lane: 'fast' | 'fallback';
  body: string;
}

export interface TestFront extends HttpFront {
  port: number;
  seen: Seen[];
  /** May be changed at any time. */
  settings: HttpSettings;
}

const defaults: HttpSettings = {
  maxBodyBytes: 1 << 20,
  maxHeaderBytes: 16_384,
  headerTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 75_000,
  maxConnections: 20_000,
  maxConnectionsPerAddress: 1000,
  countedAs: (address) => Buffer.from(address),
  isBanned: () => false,
};

/** A front on a free port whose handler, unless another is given, answers each request with its body. */
export async function startFront(
  options: {
    settings?: Partial<HttpSettings>;
    tls?: TlsFiles;
    sharedReads?: boolean;
    upgrade?: UpgradeHandler;
    turn?: Turn;
    handler?: (seen: Seen, reply: Reply, request: HttpRequest) => void;
  } = {},
): Promise<TestFront> {
  const seen: Seen[] = [];
  const settings = { ...defaults, ...options.settings };
  const answer = options.handler ?? (({ body }, reply) => reply.send(200, 'X-Request-Id: t\r\n', body));
  const front = createHttpFront({
    handler(request, reply) {
      const one = copyOf(request);
      seen.push(one);
      answer(one, reply, request);
    },
    refuse: (code) => ({ status: refusals[code].http, headers: 'X-Request-Id: t\r\n', body: `"${code}"` }),
    upgrade: options.upgrade,
    turn: options.turn ?? createTurn(() => {}),
    settings: () => settings,
    tls: options.tls ?? null,
    counts: createConnectionCounts(createConnectionMemory(1), 0),
    hash: (bytes, from, to, out) =>
      out.fill(bytes.subarray(from, to).reduce((sum, byte) => sum * 31 + byte, 0)),
    now: () => performance.now(),
    sharedReads: options.sharedReads,
  });
  const port = await front.listen({ host: '127.0.0.1', port: 0, reusePort: false });
  return Object.assign(front, { port, seen, settings });
}

function copyOf(request: HttpRequest): Seen {
  const { method, target, apiKey, authorization, forwardedFor, requestId, lane } = request;
  const body = request.bytes.toString('latin1', request.bodyStart, request.bodyEnd);
  return { method, target, apiKey, authorization, forwardedFor, requestId, lane, body };
}
