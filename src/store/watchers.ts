/** Who is to be told of changes of one kind in this process. */
export interface Watchers<Change> {
  /** Returns how to end it. */
  watch(watcher: (change: Change) => void): () => void;
  /** Tells each in a turn of its own, so that one that throws is not taken for a change that failed. */
  tell(change: Change): void;
}

export function createWatchers<Change>(): Watchers<Change> {
  const watchers = new Set<{ tell: (change: Change) => void }>();
  return {
    watch(watcher) {
      const entry = { tell: watcher };
      watchers.add(entry);
      return () => void watchers.delete(entry);
    },
    tell(change) {
      for (const watcher of watchers)
        queueMicrotask(() => {
          if (watchers.has(watcher)) watcher.tell(change);
        });
    },
  };
}
