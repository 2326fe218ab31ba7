import { createSharedBans } from '../../redis/index.ts';
import type { RedisKeeper } from './redis-keeper.ts';

/** Bans of all instances, and whether they can be reached. `origin`: of this run of this instance. */
export function sharedBansOf(
  { link: { client, guard }, settings: { prefix } }: Pick<RedisKeeper, 'link' | 'settings'>,
  origin: string,
  bansMax: number,
) {
  // As many have ended lately as may stand.
  return { bans: createSharedBans({ client, guard, prefix, origin, recordsMax: 2 * bansMax }), guard };
}
