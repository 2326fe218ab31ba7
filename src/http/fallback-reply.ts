import type { ServerResponse } from 'node:http';
import type { Reply } from './message.ts';

/** An answer that node:http puts in its place and on the wire. */
export class FallbackReply implements Reply {
  private readonly response: ServerResponse;
  /** Of the body. */
  bytes = 0;
  private readonly made: (bytes: number) => boolean;
  private done = false;

  /** @param made told the body's bytes; says whether the connection ends with this answer */
  constructor(response: ServerResponse, made: (bytes: number) => boolean) {
    this.response = response;
    this.made = made;
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
    this.bytes = body.length;
    if (this.made(body.length)) pairs.push('Connection', 'close');
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
