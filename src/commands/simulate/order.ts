/** What has its time, and a place among what has the same. */
export interface Timed {
  readonly at: number;
  readonly worker: number;
  readonly request: number;
  readonly item: number;
}

/** Puts what comes nearly in order into order: a line is written when its call ends, and replayed when it began. */
export interface Order<T extends Timed> {
  push(entry: T): void;
  /** The earliest, once nothing earlier can come any more; at the end (`all`) whatever is there. */
  next(all: boolean): T | undefined;
}

/**
 * @param windowMicros nothing comes later than that after what began after it
 * @param size entries held at most: beyond it the earliest goes on at once
 */
export function createOrder<T extends Timed>(windowMicros: number, size: number): Order<T> {
  const heap: T[] = [];
  let newest = Number.NEGATIVE_INFINITY;

  function rise(entry: T): void {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  function sink(entry: T): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }

  return {
    push(entry) {
      if (entry.at > newest) newest = entry.at;
      rise(entry);
    },
    next(all) {
      const first = heap[0];
      if (first === undefined || !(all || heap.length > size || first.at <= newest - windowMicros))
        return undefined;
      const last = heap.pop()!;
      if (heap.length > 0) sink(last);
      return first;
    },
  };
}

function before(a: Timed, b: Timed): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.worker !== b.worker) return a.worker < b.worker;
  return a.request === b.request ? a.item < b.item : a.request < b.request;
}
