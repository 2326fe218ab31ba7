import type { ServerResponse } from 'node:http';
import type { Reply } from './message.ts';

/** An answer that node:http puts in its place and on the wire. */
export class FallbackReply implements Reply {
  private readonly response: ServerResponse;
  private readonly last: () => boolean;
  private done = false;

  /** @param last whether the connection ends with this answer; asked as it is sent */
  constructor(response: ServerResponse, last: () => boolean) {
    this.response = response;
    this.last = last;
  }

  get abandoned(): boolean {
    return this.response.destroyed;
  }

  send(status: number, headers: string, body: string | Buffer): void {
    if (this.done) return;
    this.done = true;
    const response = this.response;
    const pairs = headerPairs(headers);
    if (status !== 204) pairs.push('Content-Length', String(body.length));
    if (this.last()) pairs.push('Connection', 'close');
    response.writeHead(status, pairs);
    if (response.req.method === 'HEAD' || body.length === 0) response.end();
    else if (typeof body === 'string') response.end(body, 'latin1');
    else response.end(body);
  }
}

/** `Name: value` lines as the flat array that `writeHead` takes. */
export function headerPairs(lines: string): string[] {
  const pairs: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) pairs.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return pairs;
}
