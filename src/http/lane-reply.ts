import type { Reply } from './message.ts';
import { responseText } from './response-text.ts';

/** The connection that a reply belongs to, as far as a reply needs it. */
export interface ReplyOwner {
  /** Closed, or given to node:http: nothing is sent any more. */
  readonly gone: boolean;
  /** Whether no answer may follow this one; the owner then reads no further request. */
  endsWith(reply: LaneReply): boolean;
  /** Called once for each reply, when it has its answer, of so many bytes. */
  answered(bytes: number): void;
}

/** One request's place in its connection's answers. */
export class LaneReply implements Reply {
  next: LaneReply | null = null;
  done = false;
  /** No answer follows this one on its connection. */
  last = false;
  text = '';
  /** The body, where it is not part of `text`. */
  bytes: Buffer | null = null;
  private readonly owner: ReplyOwner;

  constructor(owner: ReplyOwner) {
    this.owner = owner;
  }

  get abandoned(): boolean {
    return this.owner.gone;
  }

  send(status: number, headers: string, body: string | Buffer): void {
    if (this.done) return;
    this.done = true;
    if (!this.last) this.last = this.owner.endsWith(this);
    if (typeof body === 'string') {
      this.text = responseText(status, headers, body, body.length, this.last);
    } else {
      this.text = responseText(status, headers, '', body.length, this.last);
      this.bytes = body;
    }
    this.owner.answered(this.text.length + (this.bytes === null ? 0 : this.bytes.length));
  }
}
