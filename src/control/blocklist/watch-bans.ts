import type { Store } from '../../store/index.ts';
import type { FromStore } from '../store/messages.ts';

/** Tells main of each change of a ban, whoever made it, as the store has it then. */
export function watchBans(
  store: Pick<Store, 'bans' | 'watchBans'>,
  tell: (message: FromStore) => void,
): void {
  let reading = Promise.resolve();
  const send = async (prefix: string): Promise<void> => {
    try {
      const ban = await store.bans.get(prefix);
      if (ban !== null) tell({ type: 'ban', ban });
    } catch {
      // What was missed is read with all others once the store is back.
      tell({ type: 'bans' });
    }
  };
  store.watchBans((prefix) => {
    if (prefix === 'all') return tell({ type: 'bans' });
    // One after the other: of two reads of one ban the later must arrive last.
    reading = reading.then(() => send(prefix));
  });
}
