import { afterEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { callText, notificationText } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';
import { upstreamAt } from '../metrics/index.ts';
import { until } from './testing/until.ts';

afterEach(closeGateways);

const acme = 'acme-key-of-twenty-two-characters';

/** Whole tokens left after a call that costs nothing. */
async function left(gateway: TestGateway, method = 'free', headers = {}): Promise<number> {
  const answer = await gateway.call(method, { headers });
  return Number(/;r=(\d+)/.exec(String(answer.headers['ratelimit']))?.[1]);
}

const methods = { costs: { free: 0, ten: 10 } };

describe('a new policy', () => {
  it('keeps the fill ratio of a changed rule, up and down, and rounds down', async () => {
    const gateway = await startTestGateway({ methods, limits: { default: bucketOf(100) } });
    for (let k = 0; k < 4; k++) await gateway.call('ten');
    expect(await left(gateway)).toBe(60);
    gateway.apply({ methods, limits: { default: bucketOf(1000) } });
    expect(await left(gateway)).toBe(600);
    gateway.apply({ methods, limits: { default: bucketOf(10) } });
    expect(await left(gateway)).toBe(6);
    gateway.apply({ methods: { costs: { free: 0 } }, limits: { default: bucketOf(1) } });
    expect(await left(gateway)).toBe(0);
    expect((await gateway.call('m')).status).toBe(429);
  });

  it('without a network that was there keeps what its upstreams counted', async () => {
    const gateway = await startTestGateway({ networks: { one: { path: '/' } } });
    for (let k = 0; k < 20; k++) await gateway.call();
    gateway.apply({ networks: { two: { path: '/' } } });
    await until(() => gateway.figures.upstreams.total()[upstreamAt.calls] === 20);
    await gateway.call();
    await gateway.drain(1000);
    expect(gateway.figures.upstreams.total()[upstreamAt.calls]).toBe(21);
  });

  it('that changes nothing about a rule refills and forgets nothing', async () => {
    const gateway = await startTestGateway({ methods, limits: { default: bucketOf(30) } });
    await gateway.call('ten');
    for (let k = 0; k < 20; k++) {
      gateway.apply({
        methods,
        limits: { default: bucketOf(30), methods: { [`m${k}`]: bucketOf(k + 1) } },
        keys: [{ name: `key-${k}`, key: `${acme}-${k}` }],
      });
    }
    expect(await left(gateway)).toBe(20);
  });

  it('a raised limit acts at once, also for who was refused before', async () => {
    const gateway = await startTestGateway({ methods, limits: { default: { requests: 10, period: '1h' } } });
    await gateway.call('ten');
    expect((await gateway.call('m')).status).toBe(429);
    // The bucket's ratio is kept, so an empty one stays empty; from its next call on it fills at the new rate.
    gateway.apply({ methods, limits: { default: { requests: 1000, period: '1s' } } });
    const { status, json } = await gateway.call('m');
    if (status === 429) expect(json.error.data.retryAfterMs).toBeLessThanOrEqual(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await gateway.call('ten')).status).toBe(200);
  });

  it('a key’s limits change at once', async () => {
    const config = (limits: object) => ({
      methods,
      limits: { default: bucketOf(100) },
      keys: [{ name: 'acme', key: acme, limits }],
    });
    const gateway = await startTestGateway(config({ default: bucketOf(20) }));
    const headers = { 'x-api-key': acme };
    await gateway.call('ten', { headers });
    expect(await left(gateway, 'free', headers)).toBe(10);
    gateway.apply(config({ default: bucketOf(40) }));
    expect(await left(gateway, 'free', headers)).toBe(20);
    gateway.apply(config({}));
    expect(await left(gateway, 'free', headers)).toBe(100);
    gateway.apply(config({ default: bucketOf(40) }));
    expect(await left(gateway, 'free', headers)).toBe(20);
  });

  it('a rule that goes and comes back finds its buckets as they were', async () => {
    const gateway = await startTestGateway({
      methods,
      limits: { default: 'none', methods: { ten: bucketOf(30) } },
    });
    await gateway.call('ten');
    gateway.apply({ methods, limits: { default: 'none' } });
    gateway.apply({ methods, limits: { default: 'none', methods: { ten: bucketOf(30) } } });
    const statuses = [(await gateway.call('ten')).status, (await gateway.call('ten')).status];
    statuses.push((await gateway.call('ten')).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it('blocks, groups and costs at once', async () => {
    const gateway = await startTestGateway({ limits: { default: bucketOf(100) } });
    expect((await gateway.call('m')).json.result).toBe('here');
    gateway.apply({ limits: { default: bucketOf(100) }, methods: { blocked: ['m'] } });
    expect((await gateway.call('m')).json.error.code).toBe(-32004);
    gateway.apply({ limits: { default: bucketOf(100) }, methods: { costs: { m: 50 } } });
    expect((await gateway.call('m')).headers['ratelimit']).toMatch(/;r=49;/);
  });

  it('names networks anew: calls under way end where they began', async () => {
    const waiting: (() => void)[] = [];
    const gateway = await startTestGateway(
      { networks: { a: { path: '/a' } } },
      { vice: { request: (x) => void waiting.push(() => x.send(x.http())) } },
    );
    const call = gateway.call('m', { path: '/a' });
    await until(() => waiting.length > 0);
    gateway.apply({ networks: { b: { path: '/b' } } });
    waiting[0]!();
    expect((await call).json.result).toBe('here');
    expect((await gateway.call('m', { path: '/a' })).status).toBe(404);
  });

  it('moves a network to another node: what is under way is answered by the old one', async () => {
    const waiting: (() => void)[] = [];
    const gateway = await startTestGateway(
      { limits: { default: 'none' } },
      { vice: { request: (x) => void waiting.push(() => x.send(x.http())) } },
    );
    const next = await startFakeUpstream();
    const calls = [gateway.call('m'), gateway.call('m')];
    await until(() => waiting.length === 2);
    gateway.apply({ limits: { default: 'none' }, upstreams: [{ url: next.url }] });
    expect((await gateway.call()).json.result).toBe('here');
    expect(next.bodies).toHaveLength(1);
    for (const answer of waiting) answer();
    for (const call of calls) expect((await call).json.result).toBe('here');
    expect(gateway.node.bodies).toHaveLength(2);
    await until(() => gateway.node.open === 0);
    await next.close();
  });

  it('gives a network another mode without losing a call', async () => {
    const gateway = await startTestGateway({ limits: { default: 'none' } });
    for (const mode of ['single', 'pipelined', 'batched', 'single', 'batched']) {
      const calls = Array.from({ length: 20 }, (_, k) =>
        gateway.send({ body: callText('eth_call', `${k}`, `[${k}]`) }),
      );
      gateway.apply({ limits: { default: 'none' }, upstreams: [{ url: gateway.node.url, mode }] });
      calls.push(
        ...Array.from({ length: 20 }, (_, k) =>
          gateway.send({ body: callText('eth_call', `${k + 20}`, `[${k + 20}]`) }),
        ),
      );
      const answers = await Promise.all(calls);
      expect(answers.map(({ json }) => json.result as number)).toEqual(
        Array.from({ length: 40 }, (_, k) => k),
      );
    }
  });

  it('is swapped under load without a call lost or judged by half of each', async () => {
    const gateway = await startTestGateway({
      networks: { a: { path: '/a' }, b: { path: '/b' } },
      limits: { default: 'none' },
    });
    const stop = new AbortController();
    // Of each round: explain goes back eight policies.
    let left = 0;
    const generations = new Set<number>();
    const swaps = (async () => {
      for (let k = 0; !stop.signal.aborted; k++) {
        if (left-- > 0)
          gateway.apply({
            networks:
              k % 2 === 0
                ? { b: { path: '/b' }, a: { path: '/a' } }
                : { a: { path: '/a' }, b: { path: '/b' } },
            limits: { default: 'none', methods: { m: bucketOf(1_000_000 + k) } },
          });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (let round = 0; round < 15; round++) {
      left = 7;
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, k) =>
          gateway.send({ path: k % 2 === 0 ? '/a' : '/b', body: callText('m', `${k}`, `[${k}]`) }),
        ),
      );
      answers.forEach(({ status, json }, k) => {
        expect([status, json.id, json.result]).toEqual([200, k, k]);
      });
      for (const [k, answer] of answers.entries()) {
        const [record] = gateway.explain(answer);
        expect(record!.network).toBe(k % 2 === 0 ? 'a' : 'b');
        generations.add(record!.generation);
      }
    }
    stop.abort();
    await swaps;
    expect(generations.size).toBeGreaterThan(15);
  });
});

describe('a drain', () => {
  it('answers what is under way and closes; the caller is told that it was the last', async () => {
    const gateway = await startTestGateway(
      {},
      { vice: { request: (x) => void setTimeout(() => x.send(x.http()), 80) } },
    );
    const calls = Array.from({ length: 10 }, (_, k) =>
      gateway.call('m', { body: callText('m', `${k}`, `[${k}]`) }),
    );
    calls.push(gateway.send({ body: notificationText() }));
    await until(() => gateway.node.bodies.length === 11);
    const drained = gateway.drain(5000);
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(10).fill(200), 204]);
    await drained;
    expect(gateway.told.at(-1)).toEqual({ type: 'drained' });
    await expect(gateway.call()).rejects.toThrow(/ECONNREFUSED/);
  });

  it('ends at its deadline, whatever the node does', async () => {
    const gateway = await startTestGateway({}, { vice: { request() {} } });
    const call = gateway.call().catch((error: Error) => error.message);
    await until(() => gateway.node.bodies.length > 0);
    const began = performance.now();
    await gateway.drain(150);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await call).toMatch(/socket hang up|ECONNRESET/);
  });
});
