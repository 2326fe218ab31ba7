import type { HttpRequest, Peer } from './message.ts';
import type { RequestHead } from './request-head.ts';

const nothing = Buffer.alloc(0);

/** A connection's one request object: rewritten when a head differs from the one before. */
export class LaneRequest implements HttpRequest {
  readonly method = 'POST';
  readonly lane = 'fast';
  readonly contentEncoding = undefined;
  readonly peer: Peer;
  target = '';
  apiKey: string | undefined = undefined;
  authorization: string | undefined = undefined;
  origin: string | undefined = undefined;
  forwardedFor: string | undefined = undefined;
  forwarded: string | undefined = undefined;
  requestId: string | undefined = undefined;
  bytes: Buffer = nothing;
  bodyStart = 0;
  bodyEnd = 0;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  takeHead(bytes: Buffer, from: RequestHead): void {
    // Nearly always the one character, which need not be made.
    const bare = from.targetEnd - from.targetStart === 1;
    this.target = bare ? '/' : bytes.toString('latin1', from.targetStart, from.targetEnd);
    this.apiKey = slice(bytes, from.apiKeyStart, from.apiKeyEnd);
    this.authorization = slice(bytes, from.authorizationStart, from.authorizationEnd);
    this.origin = slice(bytes, from.originStart, from.originEnd);
    this.forwardedFor = slice(bytes, from.forwardedForStart, from.forwardedForEnd);
    this.forwarded = slice(bytes, from.forwardedStart, from.forwardedEnd);
    this.requestId = slice(bytes, from.requestIdStart, from.requestIdEnd);
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.bodyStart = start;
    this.bodyEnd = end;
  }

  /** The bytes were lent. */
  release(): void {
    this.bytes = nothing;
  }
}

function slice(bytes: Buffer, start: number, end: number): string | undefined {
  return start < 0 ? undefined : bytes.toString('latin1', start, end);
}
