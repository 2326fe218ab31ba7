import type { ServerResponse } from 'node:http';
import type { Reply } from './message.ts';
import type { Turn, TurnTask } from './turn.ts';

/** An answer that node:http puts in its place and on the wire, at the end of the turn as all others: behind its usage. */
export class FallbackReply implements Reply, TurnTask {
  private readonly response: ServerResponse;
  private readonly turn: Pick<Turn, 'defer'>;
  /** Of the body, once it is on its way. */
  bytes = 0;
  private readonly made: (bytes: number) => boolean;
  private answer: { status: number; headers: string; body: string | Buffer } | null = null;
  private done = false;

  /** @param made told the body's bytes as it leaves; says whether the connection ends with this answer */
  constructor(response: ServerResponse, turn: Pick<Turn, 'defer'>, made: (bytes: number) => boolean) {
    this.response = response;
    this.turn = turn;
    this.made = made;
  }

  get abandoned(): boolean {
    return this.response.destroyed;
  }

  send(status: number, headers: string, body: string | Buffer): void {
    if (this.done) return;
    this.done = true;
    this.answer = { status, headers, body };
    this.turn.defer(this);
  }

  flush(): void {
    const { answer, response } = this;
    this.answer = null;
    if (answer === null || response.destroyed) return;
    const { status, headers, body } = answer;
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
