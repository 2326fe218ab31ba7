import type { KeyChange, PolicyKey, Store } from '../../store/index.ts';
import type { FromStore } from './messages.ts';
import { type PackedKeys, packKeys } from './packed-keys.ts';

/**
 * Keys on their way to main: all of them piece by piece as main asks, which may be for several before it has the first, and
 * each change.
 */
export interface KeyFeed {
  first(): Promise<PackedKeys | null>;
  next(): Promise<PackedKeys | null>;
}

export function createKeyFeed(
  store: Pick<Store, 'policyKeys' | 'policyKey' | 'watchKeys'>,
  tell: (message: FromStore) => void,
): KeyFeed {
  let pieces: AsyncIterator<PolicyKey[]> | undefined;
  /** Changed while all are read: told at once, and again afterwards, since a piece may be older. */
  const held = new Set<string>();
  let reading = Promise.resolve();

  const send = async (id: string) => {
    try {
      const key = await store.policyKey(id);
      tell({ type: 'key', id, key: key && packKeys([key]) });
    } catch {
      // What was missed is read with all others once the store is back.
      tell({ type: 'keys' });
    }
  };

  store.watchKeys((change: KeyChange) => {
    if (change === 'all') return tell({ type: 'keys' });
    if (pieces !== undefined) held.add(change.keyId);
    // One after the other: of two reads of one key the later must arrive last.
    reading = reading.then(() => send(change.keyId));
  });

  const release = () => {
    pieces = undefined;
    for (const id of held) reading = reading.then(() => send(id));
    held.clear();
  };

  const next = async () => {
    const own = pieces;
    try {
      const piece = await own?.next();
      if (piece !== undefined && piece.done !== true) return packKeys(piece.value);
    } catch (error) {
      if (own === pieces) release();
      throw error;
    }
    if (own === pieces) release();
    return null;
  };

  return {
    first() {
      pieces = store.policyKeys()[Symbol.asyncIterator]();
      return next();
    },
    next,
  };
}
