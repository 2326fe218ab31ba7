import { expect, test } from 'vitest';
import { startRedis } from '../../../test/redis/server.ts';
import { bucketShape } from '../../limits/index.ts';
import { openRedis } from '../link.ts';
import { testRedisSettings } from '../testing/settings.ts';
import { createExactStore } from './exact-store.ts';

test('three takes in a row without an answer end all asking, until Redis answers', async () => {
  await using server = await startRedis();
  const settings = testRedisSettings(server);
  const link = await openRedis(settings, Date.now);
  try {
    const { client, guard } = link;
    const store = createExactStore({ client, guard, prefix: 'pp:', timeoutMs: settings.command_timeout });
    const buckets = [{ bucket: '{a}:s', shape: bucketShape({ requests: 100, periodMs: 1000, burst: 0 })! }];
    await expect.poll(() => guard.isOpen()).toBe(false);
    expect(await store.take(buckets, 1)).toMatchObject({ refused: 0 });
    server.freeze();
    const began = performance.now();
    for (let k = 0; k < 3; k++) expect(await store.take(buckets, 1)).toBeNull();
    expect(guard.state()).toMatchObject({ away: true, reason: 'no answer in time' });
    expect(performance.now() - began).toBeLessThan(300);
    server.thaw();
    await expect.poll(() => guard.isOpen(), { timeout: 5000, interval: 20 }).toBe(false);
  } finally {
    link.close();
  }
});
