import { afterEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { callText } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';
import { until } from './testing/until.ts';

afterEach(closeGateways);

/** Kept by configuration: nothing is known of the chain here. */
const cache = { methods: { eth_chainId: 'forever' } };
const chainId = (gateway: TestGateway, id = '1') =>
  gateway.send({ body: callText('eth_chainId', id, '["0x1"]') });

describe('an answer that is kept', () => {
  it('reaches its caller with his own id, all headers, and is explained', async () => {
    const gateway = await startTestGateway({ cache, limits: { default: bucketOf(10) } });
    const first = await chainId(gateway, '"one"');
    const second = await chainId(gateway, '1.0');
    expect(gateway.node.bodies).toHaveLength(1);
    expect(second.body).toBe(first.body.replace('"one"', '1.0'));
    expect(second.headers['ratelimit']).toMatch(/;r=8;/);
    expect(gateway.explain(first)).toMatchObject([{ answeredFrom: 'upstream', upstream: { attempts: 1 } }]);
    expect(gateway.explain(second)).toMatchObject([
      { answeredFrom: 'cache', upstream: null, outcome: 'allowed' },
    ]);
    await until(() => gateway.counter('cacheHits') === 1);
    expect(gateway.counter('cacheMisses')).toBe(1);
    expect(gateway.counter('cacheBytes')).toBeGreaterThan(0);
    expect(gateway.counted('allowed')).toBe(2);
    expect(gateway.counted('allowed') - gateway.counted('errors')).toBe(2);
  });

  it('answers items of a batch beside others', async () => {
    const gateway = await startTestGateway({ cache });
    await chainId(gateway);
    const items = [
      callText('eth_chainId', '7', '["0x1"]'),
      callText('m', '8'),
      callText('eth_chainId', '9', '["0x1"]'),
    ];
    const answer = await gateway.send({ body: `[${items.join()}]` });
    expect(answer.json.map(({ id }: { id: number }) => id)).toEqual([7, 8, 9]);
    expect(gateway.node.bodies).toHaveLength(2);
  });

  it('is paid for as configured', async () => {
    const config = { cache, methods: { costs: { eth_chainId: 10 } }, limits: { default: bucketOf(100) } };
    const left = async (gateway: TestGateway) =>
      Number(/;r=(\d+)/.exec(String((await chainId(gateway)).headers['ratelimit']))?.[1]);
    const full = await startTestGateway(config);
    expect([await left(full), await left(full)]).toEqual([90, 80]);
    const part = await startTestGateway({ ...config, limits: { ...config.limits, charge_cached: '25%' } });
    expect([await left(part), await left(part), await left(part)]).toEqual([90, 87, 84]);
    const free = await startTestGateway({ ...config, limits: { ...config.limits, charge_cached: 0 } });
    expect([await left(free), await left(free)]).toEqual([90, 90]);
    expect(free.explain(await chainId(free))).toMatchObject([{ cost: 0, answeredFrom: 'cache' }]);
    expect(free.counted('cost')).toBe(10);
  });

  it('is asked for again where the cache is off', async () => {
    const gateway = await startTestGateway({ cache: { enabled: false } });
    await chainId(gateway);
    await chainId(gateway);
    expect(gateway.node.bodies).toHaveLength(2);
  });
});

describe('identical calls under way', () => {
  it('share one call to the node; each has its own id, and is paid for', async () => {
    const waiting: (() => void)[] = [];
    const gateway = await startTestGateway(
      { limits: { default: bucketOf(100) } },
      { vice: { request: (x) => void waiting.push(() => x.send(x.http(x.answer))) } },
    );
    const calls = Array.from({ length: 64 }, (_, k) => chainId(gateway, `"id-${k}"`));
    await until(() => gateway.counter('requestsFast') === 64);
    expect(waiting).toHaveLength(1);
    waiting[0]!();
    const answers = await Promise.all(calls);
    expect(answers.map(({ json }) => json.id)).toEqual(calls.map((_, k) => `id-${k}`));
    expect(gateway.node.bodies).toHaveLength(1);
    const from = answers.map((answer) => gateway.explain(answer)[0]!.answeredFrom);
    expect(from.filter((each) => each === 'joined')).toHaveLength(63);
    expect(gateway.counted('cost')).toBe(64);
    await until(() => gateway.counter('cacheJoined') === 63);
  });
});

describe('a network of several upstreams', () => {
  it('answers by another one where the first fails, and explains both', async () => {
    const good = await startFakeUpstream();
    const bad = await startFakeUpstream({ vice: { request: (x) => x.send(x.http('rubbish')) } });
    const gateway = await startTestGateway({
      upstreams: [
        { url: bad.url, name: 'bad', weight: 1000 },
        { url: good.url, name: 'good' },
      ],
    });
    const answer = await gateway.call('eth_getBalance');
    expect(answer.status).toBe(200);
    const [record] = gateway.explain(answer);
    expect(record).toMatchObject({
      outcome: 'allowed',
      answeredFrom: 'upstream',
      upstream: {
        name: 'good',
        attempts: 2,
        failure: null,
        delivery: {
          attempts: [
            { upstream: 'bad', failure: expect.any(String) },
            { upstream: 'good', failure: null },
          ],
        },
      },
    });
    await until(() => gateway.counter('upstreamFailovers') === 1);
    expect(gateway.counter('upstreamRetries')).toBe(1);
    await good.close();
    await bad.close();
  });

  it('sends an unsafe call that may have run to no other', async () => {
    const good = await startFakeUpstream();
    const bad = await startFakeUpstream({ vice: { request: (x) => x.socket.destroy() } });
    const gateway = await startTestGateway({
      upstreams: [
        { url: bad.url, weight: 1000 },
        { url: good.url, name: 'good' },
      ],
    });
    expect((await gateway.call('eth_sendTransaction')).status).toBe(502);
    expect(good.bodies).toEqual([]);
    await good.close();
    await bad.close();
  });

  it('says when to come again where none can answer', async () => {
    const gateway = await startTestGateway({
      upstreams: [{ url: 'http://127.0.0.1:1' }],
      retry: { attempts: 1 },
      breaker: { failures: 1, open: '3s' },
    });
    for (let k = 0; k < 3; k++) await gateway.call('m');
    const answer = await gateway.call('m');
    expect(answer.status).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(gateway.explain(answer)).toMatchObject([
      { refusal: 'no_upstream', upstream: { delivery: { weighed: [{ passedOver: expect.any(String) }] } } },
    ]);
  });
});
