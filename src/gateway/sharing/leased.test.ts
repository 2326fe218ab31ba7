import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sharedOwner, sharedScope } from '../../limits/index.ts';
import { callText, notificationText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from '../testing/gateway.ts';
import { createTestLender, type TestLender } from '../testing/lender.ts';
import { transports } from '../testing/transport.ts';
import { until } from '../testing/until.ts';

afterEach(closeGateways);

const acme = 'acme-key-of-twenty-two-characters';
const day = 86_400_000;
const rule = { requests: 100, periodMs: day, burst: 0 };
const limits = { default: bucketOf(100) };

/** On a busy machine, long enough for all that a test does meanwhile. */
const PATIENT_MS = 5000;

async function start(config: object = { limits }, over: object = {}): Promise<[TestGateway, TestLender]> {
  const gateway = await startTestGateway(config, { shared: { waitMs: PATIENT_MS }, ...over });
  return [gateway, createTestLender(gateway)];
}

const bodies = (gateway: TestGateway): string[] => gateway.node.bodies.map(String);

describe.each(transports)('by %s, a call of a cold bucket', (transport) => {
  const open = (config?: object, shared: object = { waitMs: PATIENT_MS }) =>
    start(config, { transport, shared });

  it('waits for its lease, and goes on with the bytes it came with', async () => {
    const [gateway, lender] = await open();
    const first = gateway.send({ body: callText('m', '"first"', '["kept"]') });
    const [asked] = await lender.until(1);
    expect(asked).toMatchObject({ waiting: 1, need: { cost: 1 } });
    // Overwrites the buffer that it was read into.
    const second = gateway.send({ body: callText('mm', '"second"', '["other"]') });
    await lender.until(2);
    expect(gateway.node.bodies).toHaveLength(0);
    lender.lend(asked!.need, rule, 10);
    lender.wake();
    const [one, two] = await Promise.all([first, second]);
    expect([one.json, two.json]).toMatchObject([
      { id: 'first', result: 'kept' },
      { id: 'second', result: 'other' },
    ]);
    expect(lender.left(asked!.need, rule)).toBe(8);
    const [record] = gateway.explain(one);
    expect(record).toMatchObject({
      outcome: 'allowed',
      buckets: [{ policy: 'default', by: 'lease', before: 10, after: 9 }],
      sharing: { instances: 3 },
    });
    expect(record!.sharing!.waitedMs).toBeGreaterThan(0);
    expect(record!.totalMs).toBeGreaterThanOrEqual(record!.sharing!.waitedMs);
    expect(gateway.counter('limitsParked')).toBe(2);
    // Those that follow wait for nothing.
    const third = await gateway.call('m');
    expect(gateway.explain(third)[0]!.sharing).toEqual({ instances: 3, waitedMs: 0 });
    expect(gateway.counter('limitsParked')).toBe(2);
  });

  it('is decided by the share where no word comes within 50 ms', async () => {
    const [gateway] = await open({ limits: { default: bucketOf(15) } }, {});
    const began = performance.now();
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((id) => gateway.call('m', { body: callText('m', `${id}`) })),
    );
    expect(performance.now() - began).toBeGreaterThan(40);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 200, 200, 200, 200, 429,
    ]);
    expect(gateway.counter('limitsByShare')).toBe(6);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.json.error.data).toMatchObject({ policy: 'default', limit: 15, remaining: 0 });
    expect(gateway.explain(refused)[0]).toMatchObject({
      outcome: 'exceeded',
      buckets: [{ by: 'share', refused: true }],
    });
  });

  it('is refused where the lease that comes is dry', async () => {
    const [gateway, lender] = await open();
    const call = gateway.call('m');
    const [asked] = await lender.until(1);
    lender.lend(asked!.need, rule, 0, { dryMs: 5000 });
    lender.wake();
    const answer = await call;
    expect(answer.status).toBe(429);
    expect(answer.json.error.data.retryAfterMs).toBeGreaterThan(3000);
    expect(gateway.node.bodies).toHaveLength(0);
    expect(gateway.counted('exceeded')).toBe(1);
  });
});

describe('calls that wait', () => {
  it('of one turn ask once, for all they cost; a batch is answered as ever', async () => {
    const [gateway, lender] = await start({
      limits: { default: bucketOf(100), ceilings: [{ name: 'all', per: 'global', ...bucketOf(100) }] },
      methods: { costs: { dear: 10 } },
    });
    const items = [callText('m', '1', '[1]'), callText('dear', '2', '[2]'), notificationText('m')];
    const answer = gateway.send({ body: `[${items.join(',')}]` });
    const asked = await lender.until(2);
    expect(lender.messages()).toBe(1);
    expect(asked.map(({ need }) => need.cost)).toEqual([12, 12]);
    for (const { need } of asked) lender.lend(need, rule, 11);
    lender.wake();
    // Too little for the notification, which asks again.
    const again = await lender.until(4);
    expect(again.slice(2).map(({ need }) => need.cost)).toEqual([1, 1]);
    for (const { need } of asked) lender.lend(need, rule, 1);
    lender.wake();
    const { status, json } = await answer;
    expect([status, json]).toEqual([
      200,
      [expect.objectContaining({ id: 1, result: 1 }), expect.objectContaining({ id: 2, result: 2 })],
    ]);
    await until(() => gateway.node.bodies.length === 3);
    expect(lender.left(asked[0]!.need, rule)).toBe(0);
  });

  it('are sent although who sent them has gone, and counted as unread', async () => {
    const [gateway, lender] = await start();
    const body = callText('m', '1', '["gone"]');
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const [asked] = await lender.until(1);
    await until(() => gateway.counter('connectionsOpen') === 1);
    socket.resetAndDestroy();
    await until(() => gateway.counter('connectionsOpen') === 0);
    lender.lend(asked!.need, rule, 10);
    lender.wake();
    await until(() => gateway.counter('answersUnread') === 1);
    expect(bodies(gateway)).toEqual([expect.stringContaining('gone')]);
  });

  it('are finished by a drain', async () => {
    const [gateway, lender] = await start(undefined, { shared: {} });
    const call = gateway.call('m');
    await lender.until(1);
    const drained = gateway.drain(5000);
    expect((await call).status).toBe(200);
    await drained;
    expect(gateway.told.at(-1)).toEqual({ type: 'drained' });
  });

  it('keep the policy that they came with', async () => {
    const networks = { a: { path: '/a' }, b: { path: '/b' } };
    const [gateway, lender] = await start({ networks, limits });
    const kept = gateway.send({ path: '/a', body: callText('m', '1', '["a"]') });
    const lost = gateway.send({ path: '/b', body: callText('m', '2', '["b"]') });
    await lender.until(1);
    await until(() => lender.asked().reduce((cost, { need }) => cost + need.cost, 0) === 2);
    // Another network has the number that theirs had.
    gateway.apply({
      networks: { c: { path: '/c', upstreams: [{ url: 'http://127.0.0.1:1' }] }, a: { path: '/a' } },
      limits,
    });
    lender.lend(lender.asked()[0]!.need, rule, 10);
    lender.wake();
    const answer = await kept;
    expect(answer.json).toMatchObject({ id: 1, result: 'a' });
    expect(gateway.explain(answer)[0]).toMatchObject({ network: 'a', generation: 1 });
    expect(await lost).toMatchObject({ status: 503, json: { id: 2 } });
  });

  it('are bounded: those beyond are decided by the share, and ask all the same', async () => {
    const [gateway, lender] = await start(undefined, { shared: { waitMs: PATIENT_MS, waitingMax: 1 } });
    const waits = gateway.call('m');
    const [asked] = await lender.until(1);
    const passes = await gateway.call('m');
    expect(gateway.explain(passes)[0]).toMatchObject({
      buckets: [{ by: 'share' }],
      sharing: { waitedMs: 0 },
    });
    expect(await lender.until(2)).toMatchObject([{ waiting: 1 }, { waiting: 0 }]);
    lender.lend(asked!.need, rule, 10);
    lender.wake();
    expect((await waits).status).toBe(200);
  });

  it('are none while nobody lends', async () => {
    const [gateway, lender] = await start();
    lender.away();
    const answer = await gateway.call('m');
    expect(answer.status).toBe(200);
    expect(gateway.explain(answer)[0]).toMatchObject({
      sharing: { waitedMs: 0 },
      buckets: [{ by: 'share' }],
    });
    expect(lender.asked()).toEqual([]);
    lender.away(false);
    const next = gateway.call('m');
    const [asked] = await lender.until(1);
    lender.lend(asked!.need, rule, 10);
    lender.wake();
    expect((await next).status).toBe(200);
  });

  it('are given the time they waited neither by a node nor by a call that they join', async () => {
    const [gateway, lender] = await start();
    const call = gateway.call('m');
    const [asked] = await lender.until(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    lender.lend(asked!.need, rule, 10);
    lender.wake();
    const [record] = gateway.explain(await call);
    expect(record!.sharing!.waitedMs).toBeGreaterThan(15);
    expect(record!.upstream!.ms).toBeLessThanOrEqual(record!.totalMs - record!.sharing!.waitedMs + 1);
  });
});

describe('without waiting', () => {
  it('a lease that runs low is asked for, once', async () => {
    const [gateway, lender] = await start({ limits: { default: bucketOf(100) } });
    const first = gateway.call('m');
    const [asked] = await lender.until(1);
    lender.lend(asked!.need, rule, 10, { low: 9 });
    lender.wake();
    await first;
    await gateway.call('m');
    await gateway.call('m');
    expect(await lender.until(2)).toHaveLength(2);
    expect(lender.asked()[1]).toMatchObject({ waiting: 0, need: { cost: 1 } });
    expect(gateway.counter('leaseNeeds')).toBe(2);
  });

  it('a rule in shadow mode is asked for, and a call with no other passes', async () => {
    const [gateway, lender] = await start({
      limits: { default: 'none', methods: { m: { ...bucketOf(100), mode: 'shadow' } } },
    });
    const answer = await gateway.call('m');
    expect(answer.status).toBe(200);
    expect(await lender.until(1)).toMatchObject([{ waiting: 0 }]);
    expect(gateway.explain(answer)[0]!.sharing).toEqual({ instances: 3, waitedMs: 0 });
  });

  it('a dry run says what the share would, and asks for nothing', async () => {
    const [gateway, lender] = await start({ limits: { default: bucketOf(30) } });
    expect(gateway.foresee({ method: 'm' })).toMatchObject({
      outcome: 'allowed',
      buckets: [{ before: 10, by: 'share' }],
      sharing: { instances: 3 },
    });
    expect(lender.asked()).toEqual([]);
  });

  it('messages of a WebSocket are counted by the share while there is no lease, which is asked for', async () => {
    const [gateway, lender] = await start(
      { limits: { default: 'none' }, websocket: { messages_per_second: 15 } },
      { transport: 'websocket' },
    );
    const statuses: number[] = [];
    for (let k = 0; k < 15; k++) statuses.push((await gateway.call('m')).status);
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses).toContain(429);
    expect(lender.asked().every(({ waiting }) => waiting === 0)).toBe(true);
    expect(lender.asked().length).toBeGreaterThan(0);
  });

  it('keys and networks are named alike in all instances', async () => {
    const config = {
      networks: { main: { path: '/' } },
      limits: {
        default: bucketOf(100),
        ceilings: (['address', 'network', 'global'] as const).map((per) => ({
          name: per,
          per,
          ...bucketOf(100),
        })),
      },
      keys: [{ name: 'acme', key: acme }],
    };
    const [gateway, lender] = await start(config, { shared: {} });
    const calls = [gateway.call('m', { headers: { 'x-api-key': acme } }), gateway.call('m')];
    const asked = await lender.until(5);
    await Promise.all(calls);
    const owners = asked.map(({ need }) => ('owner' in need ? need.owner : ''));
    const known = ['address:127.0.0.1', 'network:main', 'all'] as const;
    expect(owners).toEqual(expect.arrayContaining(known.map((owner) => sharedOwner(owner))));
    // The key's own is one more.
    expect(new Set(owners).size).toBe(4);
    expect(asked.map(({ need }) => ('scope' in need ? need.scope : ''))).toContain(sharedScope('default'));
  });
});
