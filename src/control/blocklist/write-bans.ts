import type { Store, Tables } from '../../store/index.ts';
import type { ToldChange } from './ban-journal.ts';

/**
 * Writes changes in one transaction, in their order, each with its event. For each whether it was made: a ban that another instance has
 * ended is not ended again, nor one put in place of a newer, nor told of.
 */
export function writeBans(
  store: Pick<Store, 'transaction'>,
  changes: readonly ToldChange[],
): Promise<boolean[]> {
  return store.transaction((tables) => writeBansIn(tables, changes));
}

/** The same in a transaction that is open. */
export async function writeBansIn(
  { bans, outbox }: Pick<Tables, 'bans' | 'outbox'>,
  changes: readonly ToldChange[],
): Promise<boolean[]> {
  const made: boolean[] = [];
  for (const { change } of changes) {
    if (change.kind === 'end') made.push(await bans.end(change.prefix, change.beganAt, change.endedAt));
    else made.push(await bans.put(change.ban));
  }
  const events = changes.flatMap(({ event }, at) => (event !== null && made[at] === true ? [event] : []));
  if (events.length > 0) await outbox.add(events);
  return made;
}
