/** The part of jsonrpc's `AnswerScan` that a caller's answer is made of. */
export interface Answer {
  start: number;
  end: number;
  idStart: number;
  idEnd: number;
  /** -1 with an error; `errorStart` without. */
  resultStart: number;
  resultEnd: number;
  errorStart: number;
  errorEnd: number;
  /** NaN without an error, or where it is no number. */
  errorCode: number;
}

/** What a notification is answered with. */
export const noAnswer: Answer = {
  start: 0,
  end: 0,
  idStart: 0,
  idEnd: 0,
  resultStart: -1,
  resultEnd: -1,
  errorStart: -1,
  errorEnd: -1,
  errorCode: Number.NaN,
};
