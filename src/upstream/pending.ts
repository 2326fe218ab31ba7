import type { UpstreamCall } from './call.ts';

/** Greatest id we give out: still a small integer to V8, whose text it makes fastest. */
const ID_MAX = 2 ** 31 - 1;

/** A call the pool has taken: its own copy of the text, with our id in place of the caller's. */
export class Pending {
  readonly call: UpstreamCall;
  /** 0 for a notification. */
  readonly id: number;
  /** One character a byte (latin1). */
  readonly body: string;
  /** Coarse milliseconds: when it must be over. */
  readonly deadlineMs: number;
  /** Coarse milliseconds: when it began to wait for a connection. */
  queuedMs = 0;
  /** Shares a connection's exchange with no other call. */
  alone: boolean;
  /** Was written to a node before. */
  retried = false;

  constructor(call: UpstreamCall, id: number, deadlineMs: number, alone: boolean) {
    this.call = call;
    this.id = id;
    this.body = id === 0 ? call.bytes.toString('latin1', call.start, call.end) : bodyWithId(call, id);
    this.deadlineMs = deadlineMs;
    this.alone = alone;
  }
}

function bodyWithId(call: UpstreamCall, id: number): string {
  const before = call.bytes.toString('latin1', call.start, call.idStart);
  return before + id + call.bytes.toString('latin1', call.idEnd, call.end);
}

/** Ids are one upstream's, not one connection's: an answer that strayed between connections is found out too. */
export function idAfter(id: number): number {
  return id === ID_MAX ? 1 : id + 1;
}
