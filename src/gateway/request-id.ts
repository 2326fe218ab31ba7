/** Ids of one worker's requests: `<boot>-<slot>-<count>`. The first parts tell runs and workers apart. */
export interface RequestIds {
  /** The count of a new request. */
  next(): number;
  text(count: number): string;
  /** The count of an id of this worker and run; undefined for any other text. */
  count(text: string): number | undefined;
}

export function createRequestIds(bootId: string, slot: number): RequestIds {
  const prefix = `${bootId}-${slot.toString(36)}-`;
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
