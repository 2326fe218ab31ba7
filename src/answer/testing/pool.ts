import type { AnswerFailure, SentCall } from '../ports.ts';

/** What a pool took of a call while it was sent, and the means to end it. */
export interface Taken {
  method: string;
  /** The call as it was sent, latin1. */
  text: string;
  /** Ends it with this result, or with this error, as JSON text, from the upstream `via`. */
  answer(result: string, via?: number): void;
  error(error: string): void;
  fail(failure?: AnswerFailure): void;
  /** Told how it ended. */
  done: boolean;
}

export const refused: AnswerFailure = {
  code: 'no_upstream',
  kind: 'connect',
  reason: 'connect ECONNREFUSED',
  delivered: 'no',
};

/** A pool that keeps what it is sent until the test ends it; what it gave out is spoilt afterwards, as the real one's is. */
export class FakePool {
  readonly sent: Taken[] = [];

  /** Those not ended yet, oldest first. */
  get open(): Taken[] {
    return this.sent.filter(({ done }) => !done);
  }

  readonly send = (call: SentCall<string>): void => {
    const text = call.bytes.toString('latin1', call.start, call.end);
    if (text.length === 0) throw new Error('nothing to send');
    call.text = text;
    call.idAt = call.idStart - call.start;
    call.idTo = call.idEnd - call.start;
    const end = (tell: () => void): void => {
      if (taken.done) throw new Error('ended before');
      taken.done = true;
      tell();
    };
    const answer = (member: string, value: string, via: number): void => {
      const before = `  {"jsonrpc":"2.0","id":`;
      const bytes = Buffer.from(`${before}4711,"${member}":${value}}  `, 'latin1');
      call.via = via;
      call.trace = `via ${via}`;
      const at = before.length;
      call.answered(bytes, 2, bytes.length - 2, at, at + 4, member === 'error');
      bytes.fill(0x20);
    };
    const taken: Taken = {
      method: call.method,
      text,
      done: false,
      answer: (result, via = 0) => end(() => answer('result', result, via)),
      error: (error) => end(() => answer('error', error, 0)),
      fail: (failure = refused) => end(() => call.failed(failure)),
    };
    this.sent.push(taken);
  };
}
