import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../../test/fakes/upstream.ts';
import { type RedisServer, startRedis } from '../../test/redis/server.ts';
import { hashKey } from '../identity/index.ts';
import { createSharedStore, openRedis } from '../redis/index.ts';
import { testRedisSettings } from '../redis/testing/settings.ts';
import { callText } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';

let redis: RedisServer;
let node: FakeUpstream;
const closing: (() => void)[] = [];

beforeAll(async () => {
  [redis, node] = await Promise.all([startRedis(), startFakeUpstream()]);
});
afterEach(async () => {
  await closeGateways();
  for (const close of closing.splice(0)) close();
});
afterAll(async () => {
  await Promise.all([redis?.[Symbol.asyncDispose](), node?.close()]);
});

const key = 'a-key-of-the-config-0001';

/** One of several, each with a connection of its own. */
async function start(): Promise<TestGateway> {
  const settings = testRedisSettings(redis);
  const { client, guard, close } = await openRedis(settings, Date.now);
  closing.push(close);
  await expect.poll(() => guard.isOpen(), { timeout: 5000, interval: 10 }).toBe(false);
  const answers = createSharedStore({ client, guard, prefix: 'pp:', timeoutMs: 1000 });
  const config = {
    redis: redis.url,
    upstreams: [{ url: node.url }],
    health: { interval: '0' },
    cache: { shared: true, methods: { my_time: '1h' } },
    methods: { costs: { my_time: 8 } },
    limits: { default: bucketOf(1000), charge_cached: '25%' },
    keys: [{ name: 'one', key, quota: { cost: 1000, period: 'month' } }],
  };
  return startTestGateway(config, { shared: { answers } });
}

it('an answer of another instance costs what a kept one does, and explain and the figures say where it is from', async () => {
  const [one, other] = await Promise.all([start(), start()]);
  const ask = (gateway: TestGateway, what: string) =>
    gateway.send({ body: callText('my_time', '1', `["${what}"]`), headers: { 'x-api-key': key } });
  let asked = 0;
  // Both have heard the store's clock once.
  const joins = async (): Promise<boolean> => {
    const what = `warm ${asked++}`;
    await ask(one, what);
    return other.explain(await ask(other, what))[0]!.answeredFrom === 'shared';
  };
  await expect.poll(joins, { timeout: 5000, interval: 10 }).toBe(true);

  const used = other.foresee({ keySha256: hashKey(key), method: 'my_time' })!.quota!.used;
  const first = one.explain(await ask(one, 'mine'))[0]!;
  expect(first).toMatchObject({ answeredFrom: 'upstream', cost: 8, upstream: { attempts: 1 } });
  const answer = await ask(other, 'mine');
  expect(answer.json).toEqual({ jsonrpc: '2.0', id: 1, result: 'mine' });
  const [shared] = other.explain(answer);
  expect(shared).toMatchObject({ answeredFrom: 'shared', cost: 2, upstream: null, outcome: 'allowed' });
  expect(shared!.quota!.used).toBe(used - 8 + 2);
  expect(node.calls.filter(({ params }) => params[0] === 'mine')).toHaveLength(1);
  const again = other.explain(await ask(other, 'mine'))[0]!;
  expect(again).toMatchObject({ answeredFrom: 'cache', cost: 2 });
  expect(again.quota!.used).toBe(used - 8 + 4);
  const lines = other.logLines().filter(({ fields }) => fields['from'] === 'shared');
  expect(lines.at(-1)!.fields).toMatchObject({ cost: 2, fullCost: 8 });
});
