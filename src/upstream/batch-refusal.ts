import { AnswerScan, scanAnswer } from '../jsonrpc/index.ts';
import type { BatchMatch } from './batch-match.ts';
import type { HttpAnswer } from './verdict.ts';

const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
/** Geth: this item's answer found no room any more in the batch's. */
const RESPONSE_TOO_LARGE = -32003;
/** EIP-1474's code for a limit exceeded, and what some providers take from HTTP. */
const THROTTLED = new Set([-32005, 429]);
/** 4xx statuses that say nothing of batches: credentials, a slow request, a limit. */
const SAY_NOTHING = new Set([401, 402, 403, 408, 429]);

const scan = new AnswerScan();

/** What a node made of a batch as such. */
export type BatchFate = 'taken' | 'refused' | 'throttled';

/**
 * Did the node refuse the batch as such? It did if it answered
 * - one error object in place of an array, or an array of one error that names no call or, of calls known to be sound,
 *   calls one an invalid request (as geth does where there are too many);
 * - each call with an error that speaks of batches;
 * - with a 4xx status that can be about the batch, and no array.
 * @param size calls in the batch
 * @param match what was found in the answer; undefined if it is no array
 */
export function batchFate(http: HttpAnswer, size: number, match: BatchMatch | undefined): BatchFate {
  const { status, bytes, start, end } = http;
  if (match === undefined) {
    if (scanAnswer(bytes, start, end, scan) && scan.errorStart >= 0) {
      if (THROTTLED.has(scan.errorCode)) return 'throttled';
      const aboutBatch = scan.errorCode === INVALID_REQUEST || scan.errorCode === METHOD_NOT_FOUND;
      if (status < 400 || aboutBatch) return 'refused';
    }
    return status >= 400 && status < 500 && !SAY_NOTHING.has(status) ? 'refused' : 'taken';
  }
  if (match.exact) return speaksOfBatches(http, match) ? 'refused' : 'taken';
  const only = match.found[0];
  if (size === 1 || match.found.length !== 1 || only === undefined || only.errorStart < 0) return 'taken';
  if (only.idNumber < 0 && THROTTLED.has(only.errorCode)) return 'throttled';
  return only.idNumber < 0 || only.errorCode === INVALID_REQUEST ? 'refused' : 'taken';
}

/** Each answer an error, and each of them about batches; not what a contract says as it reverts (code 3). */
function speaksOfBatches({ bytes }: HttpAnswer, { answers }: BatchMatch): boolean {
  return answers.every((answer) => {
    if (answer === undefined || answer.errorStart < 0 || answer.errorCode === 3) return false;
    return /batch/i.test(
      bytes.toString('latin1', answer.errorStart, Math.min(answer.errorEnd, answer.errorStart + 256)),
    );
  });
}

/** Had this item's answer too little room beside the others' of the batch? */
export function lackedRoom(bytes: Buffer, answer: AnswerScan): boolean {
  if (answer.errorStart < 0 || answer.errorCode !== RESPONSE_TOO_LARGE) return false;
  return bytes.toString('latin1', answer.errorStart, answer.errorEnd).includes('response too large');
}
