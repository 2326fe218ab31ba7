/**
 * What a scan of an upstream's answer found: offsets into the scanned buffer, -1 where absent, ends
 * exclusive. Made to be reused; good until the buffer changes.
 */
export class AnswerScan {
  start = -1;
  end = -1;
  /** The id's value; always there in an answer that was accepted. */
  idStart = -1;
  idEnd = -1;
  /** Either these two or the error's are there; a `null` beside the other one is left out. */
  resultStart = -1;
  resultEnd = -1;
  errorStart = -1;
  errorEnd = -1;
  /** The error's `code`, NaN without an error or where it is no number. */
  errorCode = Number.NaN;
  /** The id, if it is a plain integer 0 … 2^53 - 1 without sign, fraction or exponent, else -1. */
  idNumber = -1;
}

export function clearAnswer(out: AnswerScan): void {
  out.start = -1;
  out.end = -1;
  out.idStart = -1;
  out.idEnd = -1;
  out.resultStart = -1;
  out.resultEnd = -1;
  out.errorStart = -1;
  out.errorEnd = -1;
  out.errorCode = Number.NaN;
  out.idNumber = -1;
}
