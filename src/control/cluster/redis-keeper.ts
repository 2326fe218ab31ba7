import type { RedisSettings } from '../../config/index.ts';
import { after, createMembers, type Members, openRedis, type RedisLink } from '../../redis/index.ts';

/** Main's connection to Redis, and the other instances that it finds there. */
export interface RedisKeeper {
  readonly link: RedisLink;
  readonly members: Members;
  readonly settings: RedisSettings;
  /** This instance's, the same after a restart where it can be. What must be of one run alone, as a lease's holder, is not named by it. */
  readonly id: string;
  /** Takes leave of the others and ends the connection. All that goes back there has to have gone. */
  close(): Promise<void>;
  stop(): void;
}

/** Waits for Redis no longer than a connection may take. `run`: of this run of the instance. */
export async function openRedisKeeper(
  settings: RedisSettings,
  { id, run }: { id: string; run: string },
): Promise<RedisKeeper> {
  const link = await openRedis(settings, Date.now);
  const members = createMembers({
    ...{ client: link.client, guard: link.guard, prefix: settings.prefix, id, run },
    steadyMs: () => performance.now(),
    after,
  });
  await link.untilThere(settings.connect_timeout);
  // Back from where it was away: its place is told at once, and how many there are.
  link.guard.onChange(({ away }) => {
    if (!away) void members.beat();
  });
  await members.beat();
  const stop = (): void => {
    members.stop();
    link.close();
  };
  return {
    ...{ link, members, settings, id, stop },
    async close() {
      await members.leave();
      stop();
    },
  };
}
