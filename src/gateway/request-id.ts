import { inOnePiece } from '../http/index.ts';

/**
 * Ids of one worker's requests: `<boot>-<slot>-<count>`, and `<boot>-<slot>.<start>-<count>` for a worker that replaced
 * another. The first parts tell runs and workers apart, so that no id is given twice.
 */
export interface RequestIds {
  /** The count of a new request. */
  next(): number;
  text(count: number): string;
  /** The count of an id of this worker and run; undefined for any other text. */
  count(text: string): number | undefined;
}

export function createRequestIds(bootId: string, slot: number, start: number): RequestIds {
  const prefix = inOnePiece(`${bootId}-${slot.toString(36)}${start === 0 ? '' : `.${start}`}-`);
  let last = 0;
  return {
    next: () => ++last,
    text: (count) => prefix + count,
    count(text) {
      if (!text.startsWith(prefix)) return undefined;
      const count = Number(text.slice(prefix.length));
      return prefix + count === text ? count : undefined;
    },
  };
}

/** Characters of a caller's own request id that are kept. */
const CALLER_REQUEST_ID_MAX = 128;

/** A copy where it is cut: a slice would keep the whole header for as long as the decision is kept. */
export function cutId(id: string | undefined): string | undefined {
  if (id === undefined || id.length <= CALLER_REQUEST_ID_MAX) return id;
  return Buffer.from(id.slice(0, CALLER_REQUEST_ID_MAX), 'latin1').toString('latin1');
}
