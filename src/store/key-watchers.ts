import type { KeyChange } from './store.ts';

type Watcher = (change: KeyChange) => void;

/** Who is to be told of changes of keys in this process. */
export interface KeyWatchers {
  /** Returns how to end it. */
  watch(watcher: Watcher): () => void;
  /** Tells each in a turn of its own, so that one that throws is not taken for a change that failed. */
  tell(change: KeyChange): void;
}

export function createKeyWatchers(): KeyWatchers {
  const watchers = new Set<{ tell: Watcher }>();
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
