/** How long an answer is kept, and what makes it wrong before. */
export interface Tenure {
  /** Monotonic microseconds from which it is not given any more; Infinity: never. */
  until: number;
  /** A reorg from this number or below makes it wrong; Infinity: any reorg does, -1: none. */
  height: number;
  /** It holds only as long as the head stays where it is. */
  withHead: boolean;
}

/**
 * What an answer takes beside its characters: its object, its place in the map, the strings' heads. Measured on Node 26: 248
 * bytes of heap, over 100,000 answers of 200 bytes.
 */
const ENTRY_BYTES = 288;

/** Answers from this size on are kept as bytes: text of that length costs more than it saves. */
const LARGE_ANSWER_BYTES = 32 * 1024;

/** Whether an answer in [start, end) is text or bytes, here and on its way to the caller. */
export const isLarge = (start: number, end: number): boolean => end - start >= LARGE_ANSWER_BYTES;

/** What an answer in [start, end) would take, in bytes. */
export function keptSize(key: string, start: number, end: number): number {
  return key.length + end - start + ENTRY_BYTES;
}

/** An answer as it is kept, ready for any caller's id. */
export class KeptAnswer {
  readonly key: string;
  /** See `keyOf`. */
  readonly hash: number;
  /** Latin1 text around the id; both '' where `bytes` has the answer. */
  readonly before: string = '';
  readonly after: string = '';
  /** A large answer, with an id in [idStart, idEnd) to be replaced; null where it is text. Never written to. */
  readonly bytes: Buffer | null = null;
  readonly idStart: number;
  readonly idEnd: number;
  readonly until: number;
  readonly height: number;
  readonly withHead: boolean;
  readonly size: number;
  /** Given to a caller since it was last weighed; of the store. */
  used = false;

  /** Copies the answer in [start, end) of `bytes`. */
  constructor(
    key: string,
    hash: number,
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    tenure: Tenure,
  ) {
    this.key = key;
    this.hash = hash;
    this.idStart = idStart - start;
    this.idEnd = idEnd - start;
    this.until = tenure.until;
    this.height = tenure.height;
    this.withHead = tenure.withHead;
    this.size = keptSize(key, start, end);
    if (isLarge(start, end)) {
      this.bytes = Buffer.allocUnsafeSlow(end - start);
      bytes.copy(this.bytes, 0, start, end);
    } else {
      // One copy out of the buffer and two slices of it.
      const text = bytes.toString('latin1', start, end);
      this.before = text.slice(0, this.idStart);
      this.after = text.slice(this.idEnd);
    }
  }
}
