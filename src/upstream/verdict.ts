import { type AnswerScan, scanAnswer } from '../jsonrpc/index.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { Pending } from './pending.ts';

/** The answer to this call. */
export const VERDICT_ANSWER = 0;
/** A failure told by HTTP status, in sound HTTP: no fault of the connection. */
export const VERDICT_STATUS = 1;
/** Not to be trusted, nor is the connection. */
export const VERDICT_WRONG = 2;

/** Is what was read the answer to this call? Returns one of the `VERDICT_…` numbers; fills `scan` with the answer. */
export function judgeAnswer(pending: Pending, reader: AnswerReader, scan: AnswerScan): number {
  if (pending.id === 0) return reader.status >= 200 && reader.status < 300 ? VERDICT_ANSWER : VERDICT_STATUS;
  if (scanAnswer(reader.bytes, reader.start, reader.end, scan)) {
    return scan.idNumber === pending.id ? VERDICT_ANSWER : VERDICT_WRONG;
  }
  return reader.status === 200 ? VERDICT_WRONG : VERDICT_STATUS;
}

/** In words, for logs: why this verdict is not an answer. Says nothing of the answer's contents. */
export function describeVerdict(verdict: number, reader: AnswerReader, scan: AnswerScan): string {
  const { bytes, start, end } = reader;
  if (verdict === VERDICT_STATUS) return `HTTP ${reader.status}`;
  const status = reader.status === 200 ? '' : `, HTTP ${reader.status}`;
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
