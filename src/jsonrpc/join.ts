import { Buffer } from 'node:buffer';

/**
 * The body that answers a batch: the items' answers in order, as bytes or as latin1 text (what
 * `errorAnswer` gives), in one array. An item that gets none (a notification) is undefined or
 * empty; undefined if none is left, since such a batch gets no body.
 */
export function joinAnswers(answers: readonly (Uint8Array | string | undefined)[]): Buffer | undefined {
  let size = 1;
  for (const answer of answers) if (answer !== undefined && answer.length > 0) size += answer.length + 1;
  if (size === 1) return undefined;
  const body = Buffer.allocUnsafe(size);
  let at = 0;
  for (const answer of answers) {
    if (answer === undefined || answer.length === 0) continue;
    body[at] = at === 0 ? 0x5b : 0x2c;
    at++;
    if (typeof answer === 'string') body.write(answer, at, 'latin1');
    else body.set(answer, at);
    at += answer.length;
  }
  body[at] = 0x5d;
  return body;
}
