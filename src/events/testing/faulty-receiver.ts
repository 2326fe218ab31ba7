import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** What a receiver does with a request: answers, now or late, or ends the connection, or writes what is no HTTP. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string; afterMs?: number }
  | 'reset'
  | 'garbage';

export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver on loopback: one behaviour a request, the last one for all that follow. */
export async function startFaultyReceiver(...behaviours: Behaviour[]) {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const behaviour = behaviours[Math.min(requests.length, behaviours.length - 1)] ?? { status: 200 };
      const { method = '', url: path = '', headers } = request;
      requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      if (behaviour === 'reset') request.socket.resetAndDestroy();
      else if (behaviour === 'garbage') request.socket.end('I am no HTTP\r\n\r\n');
      else {
        if (behaviour.afterMs) await after(behaviour.afterMs);
        response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '');
      }
    })().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    json: (index = 0): unknown => JSON.parse(requests[index]?.body ?? 'null'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
