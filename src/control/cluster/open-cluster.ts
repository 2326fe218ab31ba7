import type { RedisSettings } from '../../config/index.ts';
import { createMembers, openRedis } from '../../redis/index.ts';

/** Main's connection to Redis, and the other instances that it finds there. Waits for Redis no longer than a connection may take. */
export async function openCluster(settings: RedisSettings, id: string) {
  const link = await openRedis(settings, Date.now);
  const members = createMembers({
    ...{ client: link.client, guard: link.guard, prefix: settings.prefix, id },
    steadyMs: () => performance.now(),
    after(ms, work) {
      const timer = setTimeout(work, ms).unref();
      return () => clearTimeout(timer);
    },
  });
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, settings.connect_timeout);
    link.guard.onChange(() => {
      clearTimeout(late);
      resolve();
    });
  });
  await members.beat();
  return { link, members, prefix: settings.prefix, commandTimeout: settings.command_timeout };
}
