import type { RecordedCall } from '../../gateway/index.ts';

/** A call as its line tells of it: what it was, and what came of it then. */
export interface LoggedCall extends RecordedCall {
  /** Epoch microseconds of its end. */
  endAt: number;
  /** It was refused by a limit, a quota, as a blocked method, for want of a key or for its address. */
  refusedThen: boolean;
  /** Share of the calls that got a line; 1: all. */
  sample: number;
  /** Lines that its worker left out before this one. */
  dropped: number;
  /** Which of the calls of one microsecond it was. */
  worker: number;
  request: number;
  item: number;
}

/** What a line may be that is no call. `bad` says why it cannot be read. */
export type Line = LoggedCall | { skip: 'other' | 'bad key' | 'no caller' } | { bad: string };

/** Epoch microseconds of `2026-11-28T23:01:53.123456Z`, or of any text that `Date` reads; NaN for others. */
export function createTimeReader(): (text: string) => number {
  // Calls come in the order of their times, many to a second.
  let knownSecond = '';
  let knownMicros = 0;
  return (text) => {
    if (text.length !== 27 || text[26] !== 'Z' || text[19] !== '.') return Date.parse(text) * 1000;
    const second = text.slice(0, 19);
    if (second !== knownSecond) {
      knownMicros = Date.parse(`${second}Z`) * 1000;
      knownSecond = second;
    }
    return knownMicros + Number(text.slice(20, 26));
  };
}
