import { createSharedBans, createSharedViolations } from '../../redis/index.ts';
import type { BansOfAll } from '../blocklist/ban-keeper.ts';
import type { RedisKeeper } from './redis-keeper.ts';

/** Bans of all instances, and whether they can be reached. `origin`: of this run of this instance. */
export function sharedBansOf(
  {
    link: { client, guard },
    settings: { prefix },
    members,
  }: Pick<RedisKeeper, 'link' | 'settings' | 'members'>,
  origin: string,
  bansMax: number,
): BansOfAll {
  // As many have ended lately as may stand.
  return {
    bans: createSharedBans({ client, guard, prefix, origin, recordsMax: 2 * bansMax }),
    violations: createSharedViolations({ client, guard, prefix }),
    ...{ guard, instances: () => members.state().ids.length },
  };
}
