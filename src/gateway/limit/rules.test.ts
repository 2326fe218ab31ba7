import { afterEach, describe, expect, it } from 'vitest';
import { callText, type TestRequest } from '../testing/client.ts';
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
const asAcme: TestRequest = { headers: { 'x-api-key': acme } };
const asPlain: TestRequest = { headers: { 'x-api-key': plain } };

/** The rule that a call was counted by; over HTTP its answer says so. */
async function policyOf(
  gateway: TestGateway,
  method: string,
  over: TestRequest = {},
): Promise<string | undefined> {
  const answer = await gateway.call(method, over);
  const [record] = gateway.explain(answer);
  const chosen = record!.rules.find((rule) => rule.chosen)?.name;
  if (record!.transport === 'http') {
    const said = /^"([^"]*)"/.exec(String(answer.headers['ratelimit-policy'] ?? ''))?.[1];
    expect(said).toBe(chosen);
  }
  return chosen;
}

const times = (count: number, method: string): [string][] => Array.from({ length: count }, () => [method]);

/** Which of so many calls passed. */
async function statuses(gateway: TestGateway, calls: [string, TestRequest?][]): Promise<number[]> {
  const found: number[] = [];
  for (const [method, over] of calls) found.push((await gateway.call(method, over)).status);
  return found;
}

describe.each(transports)('by %s', (transport) => {
  const start = (config: object = {}, options: TestGatewayOptions = {}): Promise<TestGateway> =>
    startTestGateway(config, { ...options, transport });

  describe('the first rule that matches holds', () => {
    const rule = bucketOf(100);
    const ranks = [
      { key: 'methods', rule: { methods: { 'eth_*': rule } }, name: 'key:eth_*', rank: 'key-method' },
      { key: 'groups', rule: { groups: { read: rule } }, name: 'key:group:read', rank: 'key-group' },
      { key: 'default', rule: { default: rule }, name: 'key:default', rank: 'key-all' },
      { key: null, rule: { methods: { eth_call: rule } }, name: 'method:eth_call', rank: 'method' },
      { key: null, rule: { groups: { read: rule } }, name: 'group:read', rank: 'group' },
      { key: null, rule: { default: rule }, name: 'default', rank: 'default' },
    ] as const;

    /** A config with just the ranks of these places, from the first on. */
    function configOf(places: readonly number[]): object {
      const merge = (ofKey: boolean): Record<string, unknown> =>
        Object.assign(
          {},
          ...places
            .filter((place) => (ranks[place]!.key !== null) === ofKey)
            .map((place) => ranks[place]!.rule),
        ) as Record<string, unknown>;
      return {
        methods: { groups: { read: ['eth_get*', 'eth_call'] } },
        limits: { default: 'none', ...merge(false) },
        keys: [
          { name: 'acme', key: acme, limits: merge(true) },
          { name: 'plain', key: plain },
        ],
      };
    }

    it('in every one of the 64 mixtures of the six ranks', async () => {
      const gateway = await start();
      for (let mixture = 0; mixture < 64; mixture++) {
        const places = [0, 1, 2, 3, 4, 5].filter((place) => (mixture >> place) & 1);
        gateway.apply(configOf(places));
        const ofAll = places.filter((place) => place >= 3);
        expect([mixture, await policyOf(gateway, 'eth_call', asAcme)]).toEqual([
          mixture,
          ranks[places[0]!]?.name,
        ]);
        expect([mixture, await policyOf(gateway, 'eth_call', asPlain)]).toEqual([
          mixture,
          ranks[ofAll[0]!]?.name,
        ]);
        expect([mixture, await policyOf(gateway, 'eth_call')]).toEqual([mixture, ranks[ofAll[0]!]?.name]);
      }
    });

    it('and explain lists them all in their order, with the one that was chosen', async () => {
      const gateway = await start(configOf([0, 1, 2, 3, 4, 5]));
      const [record] = gateway.explain(await gateway.call('eth_call', asAcme));
      expect(record!.rules.map(({ rank, name, chosen }) => ({ rank, name, chosen }))).toEqual(
        ranks.map(({ rank, name }, place) => ({ rank, name, chosen: place === 0 })),
      );
    });

    it('and it alone is taken from', async () => {
      const gateway = await start({
        methods: { groups: { read: ['eth_call', 'eth_getBalance'] } },
        limits: { default: bucketOf(1), groups: { read: bucketOf(2) }, methods: { eth_call: bucketOf(3) } },
      });
      const calls: [string][] = [
        ...times(4, 'eth_call'),
        ...times(3, 'eth_getBalance'),
        ...times(2, 'net_version'),
      ];
      expect(await statuses(gateway, calls)).toEqual([200, 200, 200, 429, 200, 200, 429, 200, 429]);
    });

    it('where nothing is configured: 100 a second and a burst of 50', async () => {
      const gateway = await start({ limits: {} });
      const answer = await gateway.call();
      const [record] = gateway.explain(answer);
      expect(record!.buckets).toMatchObject([{ policy: 'default', capacity: 150, before: 150 }]);
      if (transport === 'http') expect(answer.headers['ratelimit-policy']).toBe('"default";q=150;w=2');
    });

    it('none where the default is turned off', async () => {
      const gateway = await start({ limits: { default: 'none' } });
      const { status, headers } = await gateway.call();
      expect([status, headers['ratelimit-policy'], headers['ratelimit']]).toEqual([
        200,
        undefined,
        undefined,
      ]);
    });
  });

  describe('groups and globs', () => {
    it('the more specific pattern wins, then the first written', async () => {
      const gateway = await start({
        methods: {
          groups: {
            all: ['*'],
            eth: ['eth_*'],
            gets: ['eth_get*'],
            logs: ['eth_getLogs'],
            tails: ['*_tail'],
            first: ['a*b'],
            second: ['*ab'],
          },
        },
        limits: {
          default: 'none',
          groups: Object.fromEntries(
            ['all', 'eth', 'gets', 'logs', 'tails', 'first', 'second'].map((name) => [name, bucketOf(50)]),
          ),
        },
      });
      const chosen = async (method: string) => (await policyOf(gateway, method))?.replace('group:', '');
      expect(await chosen('net_version')).toBe('all');
      expect(await chosen('eth_call')).toBe('eth');
      expect(await chosen('eth_getBalance')).toBe('gets');
      expect(await chosen('eth_getLogs')).toBe('logs');
      expect(await chosen('eth_getLogsX')).toBe('gets');
      expect(await chosen('eth_get_tail')).toBe('gets');
      expect(await chosen('x_tail')).toBe('tails');
      expect(await chosen('ab')).toBe('first');
      expect(await chosen('ETH_call')).toBe('all');
    });

    it('a method’s rule may be a glob too; the more specific holds', async () => {
      const gateway = await start({
        limits: { methods: { '*': bucketOf(9), 'debug_*': bucketOf(9), debug_traceCall: bucketOf(9) } },
      });
      expect(await policyOf(gateway, 'eth_call')).toBe('method:*');
      expect(await policyOf(gateway, 'debug_x')).toBe('method:debug_*');
      expect(await policyOf(gateway, 'debug_traceCall')).toBe('method:debug_traceCall');
    });

    it('dots, brackets and the like in names mean only themselves', async () => {
      const gateway = await start({
        methods: { groups: { odd: ['a.c*'] } },
        limits: { default: 'none', groups: { odd: bucketOf(9) } },
      });
      expect(await policyOf(gateway, 'a.cd')).toBe('group:odd');
      expect(await policyOf(gateway, 'abcd')).toBeUndefined();
      expect(await policyOf(gateway, '__proto__')).toBeUndefined();
      expect(await policyOf(gateway, 'constructor')).toBeUndefined();
    });

    it('a group’s methods share one bucket', async () => {
      const gateway = await start({
        methods: { groups: { read: ['a', 'b'] } },
        limits: { default: 'none', groups: { read: bucketOf(3) } },
      });
      expect(await statuses(gateway, [['a'], ['b'], ['a'], ['b'], ['a'], ['c']])).toEqual([
        200, 200, 200, 429, 429, 200,
      ]);
    });

    it('a call takes the cost of its method, by the more specific pattern; 0 is free', async () => {
      const gateway = await start({
        methods: { costs: { 'heavy_*': 5, heavy_light: 1, free: 0 } },
        limits: { default: bucketOf(7) },
      });
      const left = async (method: string) => {
        const answer = await gateway.call(method);
        const tokens = Math.floor(gateway.explain(answer)[0]!.buckets[0]!.after);
        if (transport === 'http')
          expect(/;r=(\d+)/.exec(String(answer.headers['ratelimit']))?.[1]).toBe(String(tokens));
        return [answer.status, tokens];
      };
      expect(await left('heavy_x')).toEqual([200, 2]);
      expect(await left('heavy_x')).toEqual([429, 2]);
      expect(await left('heavy_light')).toEqual([200, 1]);
      expect(await left('unlisted')).toEqual([200, 0]);
      expect(await left('unlisted')).toEqual([429, 0]);
      expect(await left('free')).toEqual([200, 0]);
    });

    it('blocked methods reach no node and take nothing', async () => {
      const gateway = await start({
        methods: { blocked: ['admin_*', 'eth_sign'] },
        limits: { default: bucketOf(1) },
      });
      expect(
        await statuses(gateway, [['admin_x'], ['eth_sign'], ['eth_signTransaction'], ['eth_call']]),
      ).toEqual([200, 200, 200, 429]);
      expect(gateway.node.bodies).toHaveLength(1);
      expect(gateway.counted('blocked')).toBe(2);
    });
  });

  describe('buckets', () => {
    it('belong to caller and rule: callers do not share', async () => {
      const gateway = await start({
        server: { trusted_proxies: ['127.0.0.1'] },
        limits: { default: bucketOf(1) },
        keys: [
          { name: 'acme', key: acme },
          { name: 'plain', key: plain },
        ],
      });
      const at = (address: string): TestRequest => ({ headers: { 'x-forwarded-for': address } });
      const calls: [string, TestRequest][] = [
        ['m', at('192.0.2.1')],
        ['m', at('192.0.2.2')],
        ['m', asAcme],
        ['m', asPlain],
      ];
      expect(await statuses(gateway, [...calls, ...calls])).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
    });

    it('are shared by networks, unless the rule names one', async () => {
      const networks = { one: { path: '/one' }, two: { path: '/two' } };
      const gateway = await start({ networks, limits: { default: bucketOf(2) } });
      const on = (name: string): TestRequest => ({ path: `/${name}` });
      expect(
        await statuses(gateway, [
          ['m', on('one')],
          ['m', on('two')],
          ['m', on('one')],
          ['m', on('two')],
        ]),
      ).toEqual([200, 200, 429, 429]);

      gateway.apply({
        networks,
        limits: { default: 'none', methods: { n: [{ ...bucketOf(1), network: 'two' }, bucketOf(3)] } },
      });
      expect(
        await statuses(gateway, [
          ['n', on('one')],
          ['n', on('two')],
          ['n', on('two')],
          ['n', on('one')],
          ['n', on('one')],
          ['n', on('one')],
        ]),
      ).toEqual([200, 200, 429, 200, 200, 429]);
    });

    it('a rule for another network is passed over for the next rank', async () => {
      const gateway = await start({
        networks: { one: { path: '/one' }, two: { path: '/two' } },
        limits: { default: bucketOf(50), methods: { m: { ...bucketOf(50), network: 'two' } } },
        keys: [{ name: 'acme', key: acme, limits: { default: { ...bucketOf(50), network: 'one' } } }],
      });
      expect(await policyOf(gateway, 'm', { path: '/one' })).toBe('default');
      expect(await policyOf(gateway, 'm', { path: '/two' })).toBe('method:m');
      expect(await policyOf(gateway, 'm', { path: '/one', ...asAcme })).toBe('key:default');
      expect(await policyOf(gateway, 'm', { path: '/two', ...asAcme })).toBe('method:m');
      const [record] = gateway.explain(await gateway.call('m', { path: '/one' }));
      expect(record!.rules).toMatchObject([
        { name: 'method:m', chosen: false, why: 'holds on network two only' },
        { name: 'default', chosen: true },
      ]);
    });

    it('of rule sets that keys have in common are each key’s own', async () => {
      const limits = { default: bucketOf(1) };
      const gateway = await start({
        keys: [
          { name: 'acme', key: acme, limits },
          { name: 'plain', key: plain, limits },
        ],
      });
      expect(
        await statuses(gateway, [
          ['m', asAcme],
          ['m', asPlain],
          ['m', asAcme],
          ['m', asPlain],
        ]),
      ).toEqual([200, 200, 429, 429]);
    });

    it('allowed while the burst is untouched, then burst, then exceeded; the first of these is marked', async () => {
      const gateway = await start({ limits: { default: bucketOf(4, 2) } });
      const seen: unknown[] = [];
      for (let k = 0; k < 6; k++) {
        const [record] = gateway.explain(await gateway.call());
        seen.push([record!.outcome, record!.reason]);
      }
      expect(seen).toEqual([
        ['allowed', null],
        ['allowed', null],
        ['burst', null],
        ['burst', null],
        ['exceeded', 'burst depleted'],
        ['exceeded', null],
      ]);
      expect(gateway.counted('allowed')).toBe(2);
      expect(gateway.counted('burst')).toBe(2);
      expect(gateway.counted('exceeded')).toBe(2);
      expect(gateway.counter('burstsDepleted')).toBe(1);
    });

    it('refill continuously', async () => {
      const gateway = await start({ limits: { default: { requests: 1, period: '100ms' } } });
      expect((await gateway.call()).status).toBe(200);
      const refused = await gateway.call();
      expect(refused.status).toBe(429);
      const wait = refused.json.error.data.retryAfterMs as number;
      expect(wait).toBeLessThanOrEqual(100);
      await new Promise((resolve) => setTimeout(resolve, wait + 5));
      expect((await gateway.call()).status).toBe(200);
    });

    it('keep their tokens from calls that failed: tokens do not come back', async () => {
      const gateway = await start(
        { limits: { default: bucketOf(2) } },
        { vice: { request: (x) => x.send(x.http('rubbish')) } },
      );
      expect(await statuses(gateway, [['m'], ['m'], ['m']])).toEqual([502, 502, 429]);
    });

    it('take nothing for what is refused before them', async () => {
      const gateway = await start({ limits: { default: bucketOf(1) } });
      await gateway.send({ body: '{' });
      await gateway.send({ body: '{"jsonrpc":"2.0","id":1}' });
      await gateway.send({ body: callText(), path: '/nowhere' });
      await gateway.call('m', { headers: { 'x-api-key': 'x'.repeat(22) } });
      expect((await gateway.call()).status).toBe(200);
    });

    it('are never more than a chain holds, however many patterns match a method', async () => {
      const shadow = { ...bucketOf(1), mode: 'shadow' };
      const patterns = [
        '*',
        'e*',
        'et*',
        'eth*',
        'eth_*',
        'eth_g*',
        'eth_ge*',
        'eth_get*',
        'eth_getL*',
        'eth_getLo*',
      ];
      const gateway = await start({
        limits: {
          default: bucketOf(100),
          methods: Object.fromEntries(patterns.map((pattern) => [pattern, shadow])),
          ceilings: Array.from({ length: 8 }, (_, k) => ({ name: `c${k}`, per: 'global', ...bucketOf(100) })),
        },
      });
      const answer = await gateway.call('eth_getLogs');
      expect(answer.status).toBe(200);
      const [record] = gateway.explain(answer);
      expect(record!.buckets.filter(({ kind }) => kind === 'shadow')).toMatchObject([
        { policy: 'method:eth_getLo*' },
      ]);
      expect(record!.rules.filter(({ why }) => why.includes('an earlier one of its rank'))).toHaveLength(9);
    });
  });
});
