import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a receiver got. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Epoch milliseconds. */
  atMs: number;
}

/** An HTTP server that takes webhooks, and does with them what the test says. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** In the order in which they were whole. */
  readonly received: Received[];
  /** Called for each; answers 204 where it does nothing. */
  answer: (request: Received, response: ServerResponse) => void;
  /** Ends all connections and listens no more; on the same port again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  let server: Server | undefined;
  const receiver = {
    ...{ url: '', port: 0, received: [] as Received[] },
    answer: (_request: Received, response: ServerResponse): void => void response.writeHead(204).end(),
    async open() {
      const opened = createServer((request, response) => {
        let body = '';
        request.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        request.on('error', () => undefined);
        request.on('end', () => {
          const one = { path: request.url ?? '', headers: request.headers, body, atMs: Date.now() };
          receiver.received.push(one);
          receiver.answer(one, response);
        });
      });
      await new Promise<void>((resolve, reject) => {
        opened.once('error', reject);
        opened.listen(receiver.port, '127.0.0.1', resolve);
      });
      server = opened;
      receiver.port = (opened.address() as AddressInfo).port;
      receiver.url = `http://127.0.0.1:${receiver.port}/hook`;
    },
    async close() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
  };
  await receiver.open();
  return receiver;
}
