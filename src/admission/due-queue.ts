/** What falls due, earliest first: a binary heap. */
export interface DueQueue {
  add(name: string, at: number): void;
  /** Takes out the earliest that is due by `nowMs`; undefined: none is. */
  next(nowMs: number): { name: string; at: number } | undefined;
  readonly size: number;
}

export function createDueQueue(): DueQueue {
  const heap: { name: string; at: number }[] = [];
  const swap = (a: number, b: number): void => {
    const item = heap[a]!;
    heap[a] = heap[b]!;
    heap[b] = item;
  };

  function sink(): void {
    for (let parent = 0; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let first = parent;
      if (left < heap.length && heap[left]!.at < heap[first]!.at) first = left;
      if (right < heap.length && heap[right]!.at < heap[first]!.at) first = right;
      if (first === parent) return;
      swap(parent, first);
      parent = first;
    }
  }

  return {
    add(name, at) {
      heap.push({ name, at });
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1;
        if (heap[parent]!.at <= heap[child]!.at) return;
        swap(parent, child);
        child = parent;
      }
    },
    next(nowMs) {
      const first = heap[0];
      if (first === undefined || first.at > nowMs) return undefined;
      const last = heap.pop()!;
      if (heap.length > 0) {
        heap[0] = last;
        sink();
      }
      return first;
    },
    get size() {
      return heap.length;
    },
  };
}
