import { Agent as HttpAgent, type IncomingHttpHeaders, request as plain } from 'node:http';
import { Agent as HttpsAgent, request as secure } from 'node:https';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { cert } from '../../src/upstream/testing/certificate.ts';

export interface Asked {
  port: number;
  scheme: 'http' | 'https';
  method?: 'GET' | 'POST';
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Address of this machine that it comes from. */
  from?: string;
  agent?: HttpAgent;
}

export interface Told {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One HTTP exchange with localhost, on a connection of its own unless an agent is given. */
export async function ask(asked: Asked): Promise<Told> {
  const { port, scheme, method = 'POST', path = '/eth', headers = {}, body = '', from, agent } = asked;
  const send = scheme === 'https' ? secure : plain;
  const options = { host: 'localhost', family: 4, port, method, path, ca: cert };
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const sent = send(
    {
      ...options,
      agent: agent ?? false,
      ...(from !== undefined && { localAddress: from }),
      headers: { ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }), ...headers },
    },
    (response) => {
      text(response).then(
        (told) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: told }),
        reject,
      );
    },
  );
  sent.on('error', reject);
  sent.end(method === 'POST' ? body : undefined);
  return promise;
}

/** Keeps one connection. */
export function oneConnection(scheme: 'http' | 'https'): HttpAgent {
  const options = { keepAlive: true, maxSockets: 1 };
  return scheme === 'https' ? new HttpsAgent({ ...options, ca: cert }) : new HttpAgent(options);
}

/** Opens a WebSocket to localhost, sends these messages and resolves with the first `count` that come. */
export async function messagesOf(
  at: { port: number; scheme: 'http' | 'https'; path: string; from: string },
  messages: readonly object[],
  count: number,
): Promise<any[]> {
  const scheme = at.scheme === 'https' ? 'wss' : 'ws';
  const options = { ca: cert, localAddress: at.from, family: 4 };
  const socket = new WebSocket(`${scheme}://localhost:${at.port}${at.path}`, options);
  const { promise, resolve, reject } = Promise.withResolvers<any[]>();
  const came: any[] = [];
  socket.on('open', () => {
    for (const message of messages) socket.send(JSON.stringify(message));
  });
  socket.on('message', (data) => {
    came.push(JSON.parse((data as Buffer).toString('utf8')));
    if (came.length === count) resolve(came);
  });
  socket.on('error', reject);
  socket.on('close', (code) => reject(new Error(`closed: ${code}`)));
  const late = setTimeout(() => reject(new Error(`after 20 s only ${JSON.stringify(came)}`)), 20_000);
  return promise.finally(() => {
    clearTimeout(late);
    socket.terminate();
  });
}
