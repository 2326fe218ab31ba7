import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

/** One HTTP exchange as a caller means it. */
export interface TestRequest {
  method?: string;
  /** Default `/`. */
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** `fallback` sends the body in chunks, which the fast lane leaves to node:http. Default `fast`. */
  lane?: 'fast' | 'fallback';
  /** Default: a connection of its own. */
  agent?: Agent;
}

export interface TestAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** latin1: a byte a character. */
  body: string;
  /** The body parsed; undefined where it is empty. */
  json: any;
}

/** Sends one request to a port of this machine and resolves with its whole answer. */
export function send(port: number, options: TestRequest): Promise<TestAnswer> {
  const { method = 'POST', path = '/', headers = {}, body = '', lane = 'fast', agent } = options;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const framing: Record<string, string> =
    lane === 'fast' ? { 'content-length': String(bytes.length) } : { 'transfer-encoding': 'chunked' };
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: method === 'POST' ? { ...framing, ...headers } : headers,
        agent: agent ?? false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('latin1');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text,
            json: parsed(text),
          });
        });
      },
    );
    sent.on('error', reject);
    if (method === 'POST') sent.end(bytes);
    else sent.end();
  });
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'latin1').toString());
  } catch {
    return undefined;
  }
}

/** The JSON text of a call; `id` is raw JSON, undefined makes a notification. */
export function callText(method = 'eth_call', id: string | undefined = '1', params = '["here"]'): string {
  const idText = id === undefined ? '' : `"id":${id},`;
  return `{"jsonrpc":"2.0",${idText}"method":"${method}","params":${params}}`;
}

/** The same without an id. */
export function notificationText(method = 'eth_call', params = '["here"]'): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;
}
