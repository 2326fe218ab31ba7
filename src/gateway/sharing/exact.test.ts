import { afterEach, describe, expect, it } from 'vitest';
import { bucketShape, type ExactReading } from '../../limits/index.ts';
import { callText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from '../testing/gateway.ts';
import {
  createTestExactStore,
  createTestLender,
  type TestExactStore,
  type TestLender,
} from '../testing/lender.ts';
import { transports } from '../testing/transport.ts';
import { until } from '../testing/until.ts';

afterEach(closeGateways);

const day = 86_400_000;
const unit = (tokens: number): number =>
  bucketShape({ requests: tokens, periodMs: day, burst: 0 })!.tokenUnits;
const exact = (tokens: number, burst = 0): object => ({ ...bucketOf(tokens, burst), consistency: 'exact' });
const acme = 'acme-key-of-twenty-two-characters';

interface Parts {
  gateway: TestGateway;
  lender: TestLender;
  store: TestExactStore;
  /** Waits for the ask of that place, from 0, and answers it. */
  answer(at: number, reading: Partial<ExactReading> | null): Promise<TestExactStore['asks'][number]>;
}

async function start(config: object, over: object = {}): Promise<Parts> {
  const store = createTestExactStore();
  const gateway = await startTestGateway(config, { shared: { exact: store, waitMs: 5000 }, ...over });
  const lender = createTestLender(gateway);
  return {
    ...{ gateway, lender, store },
    async answer(at, reading) {
      await until(() => store.asks.length > at);
      const ask = store.asks[at]!;
      ask.answer(
        reading && { refused: 0, bursting: 0, depleted: false, before: [0], retryAfterMs: 0, ...reading },
      );
      return ask;
    },
  };
}

describe.each(transports)('by %s, a call with an exact limit', (transport) => {
  const open = (config: object) => start(config, { transport });

  it('is decided where its bucket stands, with the bytes it came with', async () => {
    const { gateway, answer } = await open({ limits: { default: exact(100) } });
    const first = gateway.send({ body: callText('m', '"first"', '["kept"]') });
    const second = gateway.send({ body: callText('mm', '"second"', '["other"]') });
    const asked = await answer(0, { before: [5 * unit(100)] });
    expect(asked).toMatchObject({ cost: 1, buckets: [expect.stringMatching(/^\{[\w-]{22}\}:[\w-]{11}$/)] });
    expect((await answer(1, { before: [4 * unit(100)] })).buckets).toEqual(asked.buckets);
    const [one, two] = await Promise.all([first, second]);
    expect([one.json, two.json]).toMatchObject([
      { id: 'first', result: 'kept' },
      { id: 'second', result: 'other' },
    ]);
    if (transport === 'http') expect(one.headers['ratelimit']).toMatch(/^"default";r=4;/);
    expect(gateway.explain(one)[0]).toMatchObject({
      outcome: 'allowed',
      buckets: [{ policy: 'default', by: 'exact', before: 5, after: 4 }],
      sharing: { instances: 3, waitedMs: expect.any(Number) },
    });
    expect(gateway.counter('exactTaken')).toBe(2);
  });

  it('is refused as Redis says, and so are those after it without asking until it may pass', async () => {
    const { gateway, store, answer } = await open({ limits: { default: exact(100) } });
    const call = gateway.call('m');
    await answer(0, { refused: 1, before: [unit(100) / 2], retryAfterMs: day / 200, depleted: true });
    const refused = await call;
    expect([refused.status, refused.json.error.data]).toMatchObject([
      429,
      { policy: 'default', limit: 100, remaining: 0, retryAfterMs: day / 200 },
    ]);
    expect(gateway.counter('burstsDepleted')).toBe(1);
    const again = await gateway.call('m');
    expect([again.status, again.json.error.data]).toMatchObject([429, { policy: 'default', remaining: 0 }]);
    expect(Math.abs(again.json.error.data.retryAfterMs - day / 200)).toBeLessThan(2000);
    expect(gateway.explain(again)[0]).toMatchObject({
      outcome: 'exceeded',
      buckets: [{ by: 'exact', refused: true }],
    });
    expect(store.asks).toHaveLength(1);
    expect(gateway.counter('exactRemembered')).toBe(1);
    expect(gateway.counter('burstsDepleted')).toBe(1);
    expect(gateway.node.bodies).toHaveLength(0);
  });

  it('is decided by the share where no answer comes', async () => {
    const { gateway, answer } = await open({ limits: { default: exact(6) } });
    const statuses: number[] = [];
    for (let k = 0; k < 3; k++) {
      const call = gateway.call('m');
      await answer(k, null);
      statuses.push((await call).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(gateway.counter('exactUnanswered')).toBe(3);
    expect(gateway.counter('limitsByShare')).toBe(3);
  });
});

describe('an exact limit', () => {
  it('is what leaves no five tokens to each instance, and belongs to the caller alone', async () => {
    const { gateway, lender, store, answer } = await start({
      limits: {
        default: bucketOf(14),
        ceilings: [
          { name: 'mine', per: 'address', ...bucketOf(3) },
          { name: 'all', per: 'global', ...bucketOf(3) },
        ],
      },
    });
    const call = gateway.call('m');
    const [asked] = await lender.until(1);
    lender.lend(asked!.need, { requests: 3, periodMs: day, burst: 0 }, 1);
    lender.wake();
    await answer(0, { before: [14 * unit(14), 3 * unit(3)] });
    const record = gateway.explain(await call)[0]!;
    expect(record.buckets.map(({ policy, by, before, after }) => [policy, by, before, after])).toEqual([
      ['default', 'exact', 14, 13],
      ['ceiling:mine', 'exact', 3, 2],
      ['ceiling:all', 'lease', 1, 0],
    ]);
    expect(lender.asked()).toHaveLength(1);
    expect(store.asks[0]!.buckets).toHaveLength(2);
  });

  it('that refuses gives back what leases and quota gave', async () => {
    const rule = { requests: 100, periodMs: day, burst: 0 };
    const { gateway, lender, answer } = await start({
      keys: [{ name: 'acme', key: acme, quota: { requests: 10, period: 'day' } }],
      limits: { default: exact(100), ceilings: [{ name: 'all', per: 'global', ...bucketOf(100) }] },
    });
    const send = () => gateway.call('m', { headers: { 'x-api-key': acme } });
    const call = send();
    const [asked, quota] = await lender.until(2);
    lender.lend(asked!.need, rule, 10);
    lender.lendQuota(quota!.need, 5);
    lender.wake();
    await answer(0, { refused: 1, before: [0], retryAfterMs: 1000 });
    const refused = await call;
    expect(refused.status).toBe(429);
    expect(lender.left(asked!.need, rule)).toBe(10);
    expect(gateway.explain(refused)[0]).toMatchObject({
      outcome: 'exceeded',
      quota: { used: 0 },
      buckets: [
        { policy: 'default', by: 'exact', refused: true },
        { policy: 'ceiling:all', by: 'lease', before: 10, after: 10, refused: false },
      ],
    });
  });

  it('is not asked where a leased one refuses, and is left out of what explain shows', async () => {
    const { gateway, lender, store } = await start({
      limits: { default: exact(100), ceilings: [{ name: 'all', per: 'global', ...bucketOf(100) }] },
    });
    const call = gateway.call('m');
    const [asked] = await lender.until(1);
    lender.lend(asked!.need, { requests: 100, periodMs: day, burst: 0 }, 0, { dryMs: 1000 });
    lender.wake();
    const refused = await call;
    expect(refused.json.error.data.policy).toBe('ceiling:all');
    expect(gateway.explain(refused)[0]!.buckets).toMatchObject([{ policy: 'ceiling:all', by: 'lease' }]);
    expect(store.asks).toEqual([]);
  });

  it('of a batch is asked for all items in one turn', async () => {
    const { gateway, store, answer } = await start({ limits: { default: exact(100) } });
    const batch = gateway.send({
      body: `[${[1, 2, 3].map((id) => callText('m', `${id}`, `[${id}]`)).join(',')}]`,
    });
    await until(() => store.asks.length > 0);
    expect(store.asks).toHaveLength(3);
    await answer(2, { refused: 1, before: [0], retryAfterMs: 500 });
    await answer(0, { before: [2 * unit(100)] });
    await answer(1, { before: [unit(100)], bursting: 1 });
    const answered = await batch;
    expect(answered.json).toMatchObject([
      { id: 1, result: 1 },
      { id: 2, result: 2 },
      { id: 3, error: { code: -32005 } },
    ]);
    expect(gateway.explain(answered).map(({ outcome }) => outcome)).toEqual(['allowed', 'burst', 'exceeded']);
  });

  it('that a reload raised is asked again at once', async () => {
    const { gateway, answer } = await start({ limits: { default: exact(100) } });
    const call = gateway.call('m');
    await answer(0, { refused: 1, before: [0], retryAfterMs: day / 100 });
    await call;
    gateway.apply({ limits: { default: exact(1000) } });
    const next = gateway.call('m');
    await answer(1, { before: [unit(1000)] });
    expect((await next).status).toBe(200);
  });

  it('is the share’s at once while nobody lends', async () => {
    const { gateway, lender, store } = await start({ limits: { default: exact(6) } });
    lender.away();
    const answers = [await gateway.call('m'), await gateway.call('m'), await gateway.call('m')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(gateway.explain(answers[0]!)[0]).toMatchObject({ buckets: [{ by: 'share' }] });
    expect(store.asks).toEqual([]);
  });
});

it('a call that met a fault of ours as it was decided is not waited for at the end', async () => {
  const { gateway, answer } = await start({ limits: { default: exact(100) } }, { transport: 'websocket' });
  const lost = gateway.call('m').catch((error: unknown) => error);
  await answer(0, { before: undefined as never });
  await lost;
  const late = new Promise((resolve) => setTimeout(resolve, 5000, 'late'));
  expect(await Promise.race([gateway.drain(100).then(() => 'drained'), late])).toBe('drained');
});
