import type { Store } from '../../store/index.ts';
import type { BanChange } from './bans.ts';

/**
 * Writes changes in one transaction, in their order. For each whether it was made: a ban that another instance has ended is not
 * ended again.
 */
export function writeBans(
  store: Pick<Store, 'transaction'>,
  changes: readonly BanChange[],
): Promise<boolean[]> {
  return store.transaction(async ({ bans }) => {
    const made: boolean[] = [];
    for (const change of changes) {
      if (change.kind === 'end') made.push(await bans.end(change.prefix, change.beganAt, change.endedAt));
      else {
        await bans.put(change.ban);
        made.push(true);
      }
    }
    return made;
  });
}
