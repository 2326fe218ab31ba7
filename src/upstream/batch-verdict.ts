import { batchFate, lackedRoom } from './batch-refusal.ts';
import { type BatchMatch, matchBatch } from './batch-match.ts';
import type { FailureKind } from './call.ts';
import type { CallOwner } from './owner.ts';
import { mayGoAgain, type Pending } from './pending.ts';
import { type HttpAnswer, throttles } from './verdict.ts';

/** What is to become of a batch's calls, and of the connection it went over. */
export interface BatchVerdict {
  match: BatchMatch | undefined;
  /** The connection can be used on. */
  sound: boolean;
  /** The node takes no batches: each call goes again, alone. */
  refused: boolean;
  /** Each call goes again, alone: what one of them asked for may have spoiled it for the others. */
  again: boolean;
  /** Why calls without a result are throttled; '' if they are not. */
  throttled: string;
  /** For calls of which there is no answer. */
  kind: FailureKind;
  reason: string;
  retryAfter: string;
}

export function judgeBatch(http: HttpAnswer, calls: Pending[]): BatchVerdict {
  const { status, retryAfter } = http;
  const match = matchBatch(calls, http.bytes, http.start, http.end);
  const fate = batchFate(http, calls.length, match);
  let throttled = '';
  if (throttles(http)) throttled = `HTTP ${status}`;
  else if (fate === 'throttled') throttled = 'error of a limit in place of a batch answer';
  const refused = throttled === '' && fate === 'refused';
  return {
    match,
    sound: match?.exact === true || fate !== 'taken' || status !== 200,
    refused,
    again: refused || (match === undefined && status === 200 && throttled === ''),
    throttled,
    kind: match === undefined ? 'status' : 'answer',
    reason: match === undefined ? `HTTP ${status}` : 'missing or double in the batch answer',
    retryAfter,
  };
}

/** @param bytes in which the answers are */
export function settleBatch(verdict: BatchVerdict, calls: Pending[], bytes: Buffer, owner: CallOwner): void {
  const { throttled, again } = verdict;
  if (verdict.refused) owner.batchRefused();
  else if (again) owner.batchSpoiled();
  else if (verdict.match !== undefined) owner.batchTaken();
  for (let i = 0; i < calls.length; i++) {
    const pending = calls[i]!;
    const answer = verdict.match?.answers[i];
    // To refuse a batch is to run none of it.
    if (again && (verdict.refused || mayGoAgain(pending))) owner.sendAgain(pending);
    else if (again) owner.failed(pending, 'answer', 'not a batch answer', 'maybe');
    else if (throttled !== '' && (answer === undefined || answer.errorStart >= 0))
      owner.failed(pending, 'throttled', throttled, 'maybe', verdict.retryAfter);
    else if (answer === undefined) owner.failed(pending, verdict.kind, verdict.reason, 'maybe');
    else if (lackedRoom(bytes, answer)) owner.sendAgain(pending);
    else owner.answered(pending, bytes, answer);
  }
}
