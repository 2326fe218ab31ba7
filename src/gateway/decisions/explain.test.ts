import { afterEach, describe, expect, it, vi } from 'vitest';
import { hashKey } from '../../identity/index.ts';
import { callText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway } from '../testing/gateway.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeGateways();
});

const acme = 'acme-key-of-twenty-two-characters';

describe('the decision record', () => {
  it('says who, by which rule, from which buckets, over which upstream and how long', async () => {
    const gateway = await startTestGateway({
      server: { trusted_proxies: ['127.0.0.1'] },
      networks: { main: { path: '/eth' } },
      methods: { groups: { read: ['eth_*'] }, costs: { eth_call: 2 } },
      limits: {
        default: bucketOf(50),
        groups: { read: bucketOf(10, 4) },
        ceilings: [{ name: 'all', per: 'global', ...bucketOf(100) }],
      },
      keys: [{ name: 'acme', key: acme, quota: { requests: 9, period: 'month' } }],
    });
    const answer = await gateway.call('eth_call', {
      path: `/eth/${acme}`,
      headers: { 'x-forwarded-for': '2001:db8::1', 'x-request-id': 'theirs' },
    });
    const records = gateway.explain(answer);
    expect(records).toHaveLength(1);
    expect(records[0]).toEqual({
      requestId: answer.headers['x-request-id'],
      item: -1,
      alike: 0,
      atMs: expect.any(Number) as number,
      worker: 0,
      generation: 1,
      transport: 'http',
      lane: 'fast',
      socket: null,
      sharing: null,
      caller: {
        kind: 'key',
        keyNumber: 0,
        keyPrefix: Buffer.from(hashKey(acme)).toString('hex').slice(0, 8),
        foundIn: 'path',
        address: '2001:db8::/64',
      },
      callerRequestId: 'theirs',
      network: 'main',
      method: 'eth_call',
      group: 'read',
      cost: 2,
      rules: [
        { name: 'group:read', rank: 'group', mode: 'enforce', chosen: true, why: 'first that matches' },
        { name: 'default', rank: 'default', mode: 'enforce', chosen: false, why: 'an earlier rule matched' },
      ],
      buckets: [
        {
          policy: 'group:read',
          kind: 'rule',
          capacity: 10,
          before: 10,
          after: 8,
          refused: false,
          by: 'memory',
        },
        {
          policy: 'ceiling:all',
          kind: 'ceiling',
          capacity: 100,
          before: 100,
          after: 98,
          refused: false,
          by: 'memory',
        },
      ],
      quota: {
        unit: 'requests',
        limit: 9,
        used: 1,
        period: 'month',
        resetsAt: expect.stringMatching(/Z$/) as string,
      },
      userQuota: null,
      outcome: 'allowed',
      refusal: null,
      reason: null,
      retryAfterMs: null,
      answeredFrom: 'upstream',
      upstream: {
        name: expect.any(String) as string,
        mode: 'single',
        attempts: 1,
        ms: expect.any(Number) as number,
        failure: null,
        delivery: {
          weighed: [
            {
              upstream: expect.any(String) as string,
              score: expect.any(Number) as number,
              passedOver: null,
            },
          ],
          attempts: [
            {
              upstream: expect.any(String) as string,
              why: 'only one',
              startedMs: expect.any(Number) as number,
              ms: expect.any(Number) as number,
              failure: null,
            },
          ],
        },
      },
      totalMs: expect.any(Number) as number,
    });
    expect(records[0]!.totalMs).toBeGreaterThanOrEqual(records[0]!.upstream!.ms);
  });

  it('is kept for every refusal, however few of the rest are sampled', async () => {
    const gateway = await startTestGateway({
      explain: { sample: 0 },
      methods: { blocked: ['blocked'] },
      limits: { default: 'none', methods: { limited: bucketOf(1) } },
    });
    const passed = await gateway.call('limited');
    expect(gateway.explain(passed)).toEqual([]);
    const outcome = async (method: string, headers = {}) => {
      const [record] = gateway.explain(await gateway.call(method, { headers }));
      return [record!.outcome, record!.refusal];
    };
    expect(await outcome('limited')).toEqual(['exceeded', 'rate_limited']);
    expect(await outcome('blocked')).toEqual(['refused', 'method_blocked']);
    expect(await outcome('m', { 'x-api-key': 'x'.repeat(22) })).toEqual(['refused', 'unauthorized']);
    gateway.node.behave({ request: (x) => x.send(x.http('rubbish')) });
    expect(await outcome('m')).toEqual(['failed', 'upstream_invalid']);
  });

  it('tells the operator why a key was refused; the caller hears no more than 401', async () => {
    const gateway = await startTestGateway({
      keys: [
        { name: 'off', key: `${acme}-1`, enabled: false },
        { name: 'old', key: `${acme}-2`, expires: '2020-01-01' },
      ],
    });
    const messages = new Set<string>();
    const why = async (headers: Record<string, string>) => {
      const answer = await gateway.call('m', { headers });
      messages.add(answer.json.error.message as string);
      return gateway.explain(answer)[0]!.reason;
    };
    expect(await why({ 'x-api-key': `${acme}-0` })).toBe('unknown key');
    expect(await why({ 'x-api-key': `${acme}-1` })).toBe('disabled key');
    expect(await why({ 'x-api-key': `${acme}-2` })).toBe('expired key');
    expect(await why({ 'x-api-key': `${acme}-1`, authorization: 'Bearer other' })).toBe('two different keys');
    gateway.apply({ identity: { anonymous: 'deny' } });
    expect(await why({})).toMatch(/no key/);
    expect([...messages]).toEqual(['Unauthorized']);
  });

  it('is one for each item of a batch', async () => {
    const gateway = await startTestGateway({ limits: { default: bucketOf(2) } });
    const items = [callText('a', '1'), '{"jsonrpc":"2.0","id":2}', callText('b', '3'), callText('c', '4')];
    const answer = await gateway.send({ body: `[${items.join()}]` });
    expect(
      gateway
        .explain(answer)
        .toSorted((a, b) => a.item - b.item)
        .map(({ item, method, outcome, refusal }) => [item, method, outcome, refusal]),
    ).toEqual([
      [0, 'a', 'allowed', null],
      [1, '', 'refused', 'invalid_request'],
      [2, 'b', 'allowed', null],
      [3, 'c', 'exceeded', 'rate_limited'],
    ]);
  });

  it('is one for items of a batch that are refused alike, so that no batch pushes out others’ records', async () => {
    const gateway = await startTestGateway({
      explain: { sample: 0, max_records: 20 },
      methods: { blocked: ['bad_*'] },
      limits: { default: 'none', methods: { none: bucketOf(1) } },
    });
    const mine = await gateway.call('bad_mine');
    const items = Array.from({ length: 100 }, (_, k) =>
      callText(k % 2 === 0 ? `bad_${k}` : 'none', String(k)),
    );
    const batches = [];
    for (let k = 0; k < 5; k++) batches.push(await gateway.send({ body: `[${items.join()}]` }));
    expect(gateway.explain(mine)).toMatchObject([{ method: 'bad_mine', reason: 'bad_*', alike: 0 }]);
    expect(gateway.explain(batches[0]!)).toMatchObject([
      { item: 0, refusal: 'method_blocked', alike: 49 },
      { item: 3, refusal: 'rate_limited', alike: 48 },
    ]);
    expect(gateway.explain(batches[4]!)).toMatchObject([
      { item: 0, refusal: 'method_blocked', alike: 49 },
      { item: 1, refusal: 'rate_limited', alike: 49 },
    ]);
    expect(gateway.counter('explainRecordsEvicted')).toBe(0);
  });

  it('of a call that passed is not pushed out by refusals', async () => {
    const gateway = await startTestGateway({
      explain: { sample: 1, max_records: 5 },
      methods: { blocked: ['bad'] },
    });
    const passed = await gateway.call('m');
    for (let k = 0; k < 20; k++) await gateway.call('bad');
    expect(gateway.explain(passed)).toMatchObject([{ method: 'm', outcome: 'allowed' }]);
  });

  it('tells the time at the node from the time here, and when the request came', async () => {
    const gateway = await startTestGateway(
      {},
      { vice: { request: (x) => void setTimeout(() => x.send(x.http(x.answer)), 60) } },
    );
    const before = Date.now();
    const [record] = gateway.explain(await gateway.call('m'));
    expect(record!.upstream!.ms).toBeGreaterThan(50);
    expect(record!.upstream!.ms).toBeLessThan(record!.totalMs);
    expect(record!.atMs).toBeGreaterThanOrEqual(before - 1);
    expect(record!.atMs).toBeLessThan(Date.now() - 50);
  });

  it('of a call that reached no node says so', async () => {
    const gateway = await startTestGateway({ upstreams: [{ url: 'http://127.0.0.1:1' }] });
    const [record] = gateway.explain(await gateway.call('m'));
    expect(record!.upstream).toMatchObject({ attempts: 0, ms: 0, failure: expect.stringMatching(/connect/) });
  });

  it('is of one request only: others’ ids find nothing', async () => {
    const gateway = await startTestGateway();
    const [first, second] = [await gateway.call('a'), await gateway.call('b')];
    expect(gateway.explain(first).map(({ method }) => method)).toEqual(['a']);
    expect(gateway.explain(second).map(({ method }) => method)).toEqual(['b']);
    expect(gateway.explain({ ...first, headers: { 'x-request-id': 'boot-0-zzz' } })).toEqual([]);
    expect(gateway.explain({ ...first, headers: { 'x-request-id': '__proto__' } })).toEqual([]);
  });

  it('is kept for the time that is configured, and no more of them than that', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-01-01T00:00:00Z') });
    const gateway = await startTestGateway({ explain: { sample: 1, keep: '15m', max_records: 3 } });
    const answers = [];
    for (let k = 0; k < 4; k++) answers.push(await gateway.call());
    expect(answers.map((answer) => gateway.explain(answer).length)).toEqual([0, 1, 1, 1]);
    expect(gateway.counter('explainRecordsEvicted')).toBe(1);
    vi.setSystemTime(Date.parse('2030-01-01T00:14:59Z'));
    expect(gateway.explain(answers[3]!)).toHaveLength(1);
    vi.setSystemTime(Date.parse('2030-01-01T00:15:01Z'));
    expect(gateway.explain(answers[3]!)).toHaveLength(0);
  });

  it('holds the latest eight configs, and what was decided by an earlier one no more', async () => {
    const gateway = await startTestGateway({ explain: { sample: 1 } });
    const answer = await gateway.call();
    for (let k = 0; k < 7; k++)
      gateway.apply({ explain: { sample: 1 }, limits: { default: bucketOf(50 + k) } });
    const later = await gateway.call();
    expect(gateway.explain(answer)).toHaveLength(1);
    gateway.apply({ explain: { sample: 1 } });
    expect([answer, later].map((each) => gateway.explain(each).length)).toEqual([0, 1]);
  });
});

describe('a dry run', () => {
  const config = {
    networks: { one: { path: '/one' }, two: { path: '/two' } },
    methods: { blocked: ['blocked'], costs: { ten: 10 } },
    limits: { default: bucketOf(25), ceilings: [{ name: 'all', per: 'global' as const, ...bucketOf(1000) }] },
    keys: [
      { name: 'acme', key: acme, limits: { default: bucketOf(15) }, quota: { requests: 2, period: 'day' } },
    ],
  };

  it('says what would become of a call, and takes nothing', async () => {
    const gateway = await startTestGateway(config);
    const ask = { keySha256: hashKey(acme), method: 'ten' };
    const before = gateway.foresee(ask);
    for (let k = 0; k < 50; k++) expect(gateway.foresee(ask)!.buckets).toEqual(before!.buckets);
    expect(before).toMatchObject({
      caller: { kind: 'key' },
      outcome: 'allowed',
      buckets: [
        { policy: 'key:default', before: 15, after: 5, refused: false },
        { policy: 'ceiling:all', before: 1000, after: 990, refused: false },
      ],
      quota: { limit: 2, used: 1 },
    });
    const send = () => gateway.call('ten', { path: '/one', headers: { 'x-api-key': acme } });
    expect((await send()).headers['ratelimit']).toMatch(/^"key:default";r=5;/);
    const after = gateway.foresee(ask)!;
    expect(after.outcome).toBe('exceeded');
    expect(after.retryAfterMs).toBeGreaterThan(0);
    const [refused] = gateway.explain(await send());
    expect(refused!.buckets.map(({ policy, refused: by }) => [policy, by])).toEqual(
      after.buckets.map(({ policy, refused: by }) => [policy, by]),
    );
    expect(gateway.node.bodies).toHaveLength(1);
  });

  it('knows blocked methods, unknown keys and networks, addresses', async () => {
    const gateway = await startTestGateway(config);
    expect(gateway.foresee({ method: 'blocked' })).toMatchObject({ refusal: 'method_blocked' });
    expect(gateway.foresee({ method: 'm', keySha256: hashKey('nobody') })).toMatchObject({
      refusal: 'unauthorized',
      reason: 'unknown key',
    });
    expect(gateway.foresee({ method: 'm', network: 'nowhere' })).toBeUndefined();
    expect(gateway.foresee({ method: 'm', network: 'two' })).toMatchObject({ network: 'two' });
    await gateway.call('ten', { path: '/one' });
    expect(gateway.foresee({ method: 'm', address: '127.0.0.1' })!.buckets[0]!.before).toBeCloseTo(15, 1);
    expect(gateway.foresee({ method: 'm', address: '192.0.2.1' })!.buckets[0]!.before).toBe(25);
  });
});
