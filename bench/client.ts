import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A plain, careful client for checks; node:http, since it shares no code with what it checks. */
export interface Client {
  call(body: string, key?: string): Promise<Answer>;
  get(path: string): Promise<Answer>;
  close(): void;
}

const timeoutMs = 5000;

/** Keeps up to `connections` connections to the port. */
export function createClient(port: number, connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent, timeout: timeoutMs });
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
        });
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }

  return {
    call(body, key) {
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      };
      if (key !== undefined) headers['x-api-key'] = key;
      return send('POST', '/', headers, body);
    },
    get: (path) => send('GET', path, {}, ''),
    close: () => agent.destroy(),
  };
}
