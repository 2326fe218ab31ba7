import { type AnswerScan, scanAnswer } from '../jsonrpc/index.ts';
import type { FailureKind } from './call.ts';
import type { Pending } from './pending.ts';

/** The answer to this call. */
export const VERDICT_ANSWER = 0;
/** A failure told by HTTP status, in sound HTTP: no fault of the connection. */
export const VERDICT_STATUS = 1;
/** Not to be trusted, nor is the connection. */
export const VERDICT_WRONG = 2;
/** The node wants fewer calls: as sound as a status. */
export const VERDICT_THROTTLED = 3;

/** One HTTP answer as a whole, of whichever version: its body is bytes[start, end). */
export interface HttpAnswer {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly status: number;
  /** '' where absent. */
  readonly retryAfter: string;
}

/** Does the node ask for fewer calls? A result that comes all the same is taken. */
export function throttles(http: HttpAnswer): boolean {
  return http.status === 429 || (http.status === 503 && http.retryAfter !== '');
}

/** Is what was read the answer to this call? Returns one of the `VERDICT_…` numbers; fills `scan` with the answer. */
export function judgeAnswer(pending: Pending, http: HttpAnswer, scan: AnswerScan): number {
  const { status } = http;
  if (pending.id === 0) {
    if (status >= 200 && status < 300) return VERDICT_ANSWER;
    return throttles(http) ? VERDICT_THROTTLED : VERDICT_STATUS;
  }
  if (scanAnswer(http.bytes, http.start, http.end, scan)) {
    // Some nodes say it with an id that is not the call's, or none.
    if (status !== 200 && scan.errorStart >= 0 && throttles(http)) return VERDICT_THROTTLED;
    return scan.idNumber === pending.id ? VERDICT_ANSWER : VERDICT_WRONG;
  }
  if (status === 200) return VERDICT_WRONG;
  return throttles(http) ? VERDICT_THROTTLED : VERDICT_STATUS;
}

/** What kind of failure a verdict other than `VERDICT_ANSWER` is. */
export function failureKind(verdict: number): FailureKind {
  if (verdict === VERDICT_THROTTLED) return 'throttled';
  return verdict === VERDICT_STATUS ? 'status' : 'answer';
}

/** In words, for logs: why this verdict is not an answer. Says nothing of the answer's contents. */
export function describeVerdict(verdict: number, http: HttpAnswer, scan: AnswerScan): string {
  const { bytes, start, end } = http;
  if (verdict !== VERDICT_WRONG) return `HTTP ${http.status}`;
  const status = http.status === 200 ? '' : `, HTTP ${http.status}`;
  if (!scanAnswer(bytes, start, end, scan)) {
    if (start === end) return `empty answer${status}`;
    return bytes[start] === 0x3c ? `markup instead of JSON${status}` : `not a JSON-RPC answer${status}`;
  }
  // What nodes say of a call that they could not parse.
  if (scan.idEnd - scan.idStart === 4 && bytes[scan.idStart] === 0x6e) {
    return Number.isNaN(scan.errorCode)
      ? `id null${status}`
      : `id null beside error ${scan.errorCode}${status}`;
  }
  return `wrong id${status}`;
}
