import { type AnswerScan, scanAnswers } from '../jsonrpc/index.ts';
import type { Pending } from './pending.ts';

export interface BatchMatch {
  /** All that came, in order. */
  found: AnswerScan[];
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
  if (inOrder(calls, found)) return { found, answers: found, exact: true };
  const places = new Map(calls.map((pending, place) => [pending.id, place]));
  // Filled: `every` passes over holes.
  const answers = new Array<AnswerScan | undefined>(calls.length).fill(undefined);
  const twice = new Set<number>();
  let strangers = 0;
  for (const answer of found) {
    const place = places.get(answer.idNumber);
    if (place === undefined) strangers++;
    else if (answers[place] === undefined) answers[place] = answer;
    else twice.add(place);
  }
  for (const place of twice) answers[place] = undefined;
  return { found, answers, exact: strangers === 0 && answers.every((answer) => answer !== undefined) };
}

function inOrder(calls: Pending[], found: AnswerScan[]): boolean {
  if (found.length !== calls.length) return false;
  for (let i = 0; i < calls.length; i++) {
    if (found[i]!.idNumber !== calls[i]!.id) return false;
  }
  return true;
}
