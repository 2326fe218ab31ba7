import { afterEach, describe, expect, it } from 'vitest';
import type { TestAnswer, TestRequest } from '../testing/client.ts';
import {
  bucketOf,
  closeGateways,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from '../testing/gateway.ts';
import { transports } from '../testing/transport.ts';

afterEach(closeGateways);

const acme = 'acme-key-of-twenty-two-characters';
const plain = 'plain-key-of-twenty-two-characters';
const keys = [
  { name: 'acme', key: acme },
  { name: 'plain', key: plain },
];

const by = (key: string | null, address = '192.0.2.1', path = '/'): TestRequest => ({
  path,
  headers: { 'x-forwarded-for': address, ...(key === null ? {} : { 'x-api-key': key }) },
});

/** Who refused: null if nobody did. */
const refusedBy = (answer: TestAnswer): string | null => answer.json?.error?.data?.policy ?? null;

async function refusals(gateway: TestGateway, requests: TestRequest[]): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for (const request of requests) found.push(refusedBy(await gateway.call('m', request)));
  return found;
}

const server = { trusted_proxies: ['127.0.0.1'] };

describe.each(transports)('by %s', (transport) => {
  const start = (config: object = {}, options: TestGatewayOptions = {}): Promise<TestGateway> =>
    startTestGateway(config, { ...options, transport });

  describe('a ceiling', () => {
    it('per address holds for each address, whatever keys it has', async () => {
      const gateway = await start({
        server,
        keys,
        limits: { default: 'none', ceilings: [{ name: 'each', per: 'address', ...bucketOf(2) }] },
      });
      expect(
        await refusals(gateway, [
          by(acme),
          by(plain),
          by(null),
          by(acme),
          by(acme, '192.0.2.2'),
          by(null, '192.0.2.2'),
          by(null, '192.0.2.2'),
        ]),
      ).toEqual([null, null, 'ceiling:each', 'ceiling:each', null, null, 'ceiling:each']);
    });

    it('per key holds for each key, from wherever it calls, and not for callers without', async () => {
      const gateway = await start({
        server,
        keys,
        limits: { default: 'none', ceilings: [{ name: 'each', per: 'key', ...bucketOf(2) }] },
      });
      expect(
        await refusals(gateway, [
          by(acme, '192.0.2.1'),
          by(acme, '192.0.2.2'),
          by(acme, '192.0.2.3'),
          by(plain, '192.0.2.3'),
          by(null),
          by(null),
          by(null),
        ]),
      ).toEqual([null, null, 'ceiling:each', null, null, null, null]);
    });

    it('per network is one bucket for all of its callers; global is one for all there are', async () => {
      const gateway = await start({
        server,
        keys,
        networks: { one: { path: '/one' }, two: { path: '/two' } },
        limits: {
          default: 'none',
          ceilings: [
            { name: 'node', per: 'network', ...bucketOf(3) },
            { name: 'all', per: 'global', ...bucketOf(5) },
          ],
        },
      });
      const at = (path: string, who: string | null, address?: string) => by(who, address, path);
      expect(
        await refusals(gateway, [
          at('/one', null, '192.0.2.1'),
          at('/one', acme, '192.0.2.2'),
          at('/one', plain, '192.0.2.3'),
          at('/one', null, '192.0.2.4'),
          at('/two', null, '192.0.2.1'),
          at('/two', acme, '192.0.2.2'),
          at('/two', plain, '192.0.2.3'),
        ]),
      ).toEqual([null, null, null, 'ceiling:node', null, null, 'ceiling:all']);
    });

    it('of one network holds there only', async () => {
      const gateway = await start({
        networks: { one: { path: '/one' }, two: { path: '/two' } },
        limits: {
          default: 'none',
          ceilings: [{ name: 'thin', per: 'global', network: 'two', ...bucketOf(1) }],
        },
      });
      expect(
        await refusals(
          gateway,
          ['/one', '/two', '/two', '/one'].map((path) => ({ path })),
        ),
      ).toEqual([null, null, 'ceiling:thin', null]);
    });

    it('takes the cost of the call', async () => {
      const gateway = await start({
        methods: { costs: { m: 3 } },
        limits: { default: 'none', ceilings: [{ name: 'all', per: 'global', ...bucketOf(7) }] },
      });
      expect(await refusals(gateway, [{}, {}, {}])).toEqual([null, null, 'ceiling:all']);
      expect((await gateway.call('cheap')).status).toBe(200);
    });
  });

  describe('all or none', () => {
    const levels = (gateway: TestGateway, answer: TestAnswer) =>
      gateway
        .explain(answer)[0]!
        .buckets.map(({ policy, before, after, refused }) => [
          policy,
          Math.floor(before),
          Math.floor(after),
          refused,
        ]);

    it('what a ceiling refuses takes nothing from the rule, and the other way round', async () => {
      const gateway = await start({
        server,
        limits: {
          default: bucketOf(3),
          ceilings: [
            { name: 'each', per: 'address', ...bucketOf(10) },
            { name: 'all', per: 'global', ...bucketOf(4) },
          ],
        },
      });
      const first = by(null, '192.0.2.1');
      const second = by(null, '192.0.2.2');
      expect(await refusals(gateway, [first, first, first])).toEqual([null, null, null]);
      expect(levels(gateway, await gateway.call('m', first))).toEqual([
        ['default', 0, 0, true],
        ['ceiling:each', 7, 7, false],
        ['ceiling:all', 1, 1, false],
      ]);
      // The neighbour finds the token that the refused call did not take, and no second one.
      expect(await refusals(gateway, [second])).toEqual([null]);
      expect(levels(gateway, await gateway.call('m', second))).toEqual([
        ['default', 2, 2, false],
        ['ceiling:each', 9, 9, false],
        ['ceiling:all', 0, 0, true],
      ]);
      expect(levels(gateway, await gateway.call('m', first))).toEqual([
        ['default', 0, 0, true],
        ['ceiling:each', 7, 7, false],
        ['ceiling:all', 0, 0, true],
      ]);
    });

    it('many refused calls at once neither refuse a neighbour nor make a token', async () => {
      const gateway = await start({
        server,
        limits: { default: bucketOf(10), ceilings: [{ name: 'all', per: 'global', ...bucketOf(100) }] },
      });
      const answers = await Promise.all(
        Array.from({ length: 15 }, (_, caller) =>
          Array.from({ length: 20 }, () => gateway.call('m', by(null, `192.0.2.${caller}`))),
        ).flat(),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
      expect(gateway.node.bodies).toHaveLength(100);
    });

    it('several that refuse: the first is named, the longest wait is told', async () => {
      const gateway = await start({
        limits: {
          default: { requests: 1, period: '1s' },
          ceilings: [{ name: 'slow', per: 'global', requests: 1, period: '1h' }],
        },
      });
      await gateway.call();
      const { json, headers } = await gateway.call();
      expect(json.error.data.policy).toBe('default');
      expect(json.error.data.retryAfterMs).toBeGreaterThan(3_500_000);
      if (transport === 'http') expect(Number(headers['retry-after'])).toBeGreaterThan(3500);
    });
  });

  describe('a shadow', () => {
    const shadow = { mode: 'shadow' };

    it('rule counts and reports, refuses nothing, and is passed over for the next', async () => {
      const gateway = await start({
        limits: { default: bucketOf(5), methods: { m: { ...bucketOf(2), ...shadow } } },
      });
      const answers = await Promise.all(Array.from({ length: 5 }, () => gateway.call('m')));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      if (transport === 'http') expect(answers[0]!.headers['ratelimit-policy']).toMatch(/^"default";/);
      expect(gateway.figures.shadows.total()[0]).toBe(3);
      const last = answers
        .map((answer) => gateway.explain(answer)[0]!)
        .find(({ buckets }) => buckets[1]!.refused);
      expect(last!.outcome).toBe('allowed');
      expect(last!.buckets[1]).toMatchObject({
        policy: 'method:m',
        kind: 'shadow',
        capacity: 2,
        refused: true,
      });
      expect(last!.rules).toMatchObject([
        { name: 'method:m', mode: 'shadow', chosen: false },
        { name: 'default', mode: 'enforce', chosen: true },
      ]);
      expect((await gateway.call('m')).status).toBe(429);
    });

    it('ceiling the same', async () => {
      const gateway = await start({
        limits: { default: 'none', ceilings: [{ name: 'all', per: 'global', ...bucketOf(1), ...shadow }] },
      });
      expect(await refusals(gateway, [{}, {}, {}])).toEqual([null, null, null]);
      expect(gateway.figures.shadows.total()[0]).toBe(2);
    });

    it('alone means no limit', async () => {
      const gateway = await start({ limits: { default: { ...bucketOf(1), ...shadow } } });
      const answers = [await gateway.call(), await gateway.call()];
      expect(answers.map(({ status, headers }) => [status, headers['ratelimit-policy']])).toEqual([
        [200, undefined],
        [200, undefined],
      ]);
      expect(gateway.figures.shadows.total()[0]).toBe(1);
    });

    it('that turns to enforce holds at once, with what it counted', async () => {
      const config = (mode: string) => ({
        limits: { default: 'none', methods: { m: { ...bucketOf(4), mode } } },
      });
      const gateway = await start(config('shadow'));
      for (let k = 0; k < 3; k++) await gateway.call('m');
      gateway.apply(config('enforce'));
      expect([(await gateway.call('m')).status, (await gateway.call('m')).status]).toEqual([200, 429]);
    });
  });
});
