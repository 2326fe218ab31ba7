import { AnswerScan, scanAnswer, scanAnswers } from '../jsonrpc/index.ts';
import type { Pending } from './pending.ts';

export interface BatchMatch {
  /** For each call of the batch its answer; undefined where it is missing or there twice. */
  answers: (AnswerScan | undefined)[];
  /** Each call has one answer and there is no answer besides. */
  exact: boolean;
}

/** Pairs the answers in bytes[start, end), in any order, with the calls of a batch. Undefined if it is no array of answers. */
export function matchBatch(
  calls: Pending[],
  bytes: Buffer,
  start: number,
  end: number,
): BatchMatch | undefined {
  const found = scanAnswers(bytes, start, end, calls.length * 2 + 16);
  if (found === undefined) return undefined;
  if (inOrder(calls, found)) return { answers: found, exact: true };
  const places = new Map(calls.map((pending, place) => [pending.id, place]));
  const answers = new Array<AnswerScan | undefined>(calls.length);
  const twice = new Set<number>();
  let strangers = 0;
  for (const answer of found) {
    const place = places.get(answer.idNumber);
    if (place === undefined) strangers++;
    else if (answers[place] === undefined) answers[place] = answer;
    else twice.add(place);
  }
  for (const place of twice) answers[place] = undefined;
  return { answers, exact: strangers === 0 && answers.every((answer) => answer !== undefined) };
}

function inOrder(calls: Pending[], found: AnswerScan[]): boolean {
  if (found.length !== calls.length) return false;
  for (let i = 0; i < calls.length; i++) {
    if (found[i]!.idNumber !== calls[i]!.id) return false;
  }
  return true;
}

const scan = new AnswerScan();

/**
 * Did the node refuse the batch as such? It did if it answered with one error object, alone or in an
 * array by itself with no id of ours, or with a 4xx status and no array.
 */
export function refusesBatches(
  calls: Pending[],
  status: number,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  if (scanAnswer(bytes, start, end, scan)) return scan.errorStart >= 0;
  const items = scanAnswers(bytes, start, end, calls.length * 2 + 16);
  if (items === undefined)
    return status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429;
  const only = items[0];
  return (
    calls.length > 1 && items.length === 1 && only !== undefined && only.idNumber < 0 && only.errorStart >= 0
  );
}
