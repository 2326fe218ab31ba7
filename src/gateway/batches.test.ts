import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { callText, notificationText, type TestAnswer } from './testing/client.ts';
import {
  bucketOf,
  closeGateways,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from './testing/gateway.ts';
import { transports } from './testing/transport.ts';

afterEach(closeGateways);

const batch = (
  gateway: TestGateway,
  items: string[],
  headers: Record<string, string> = {},
): Promise<TestAnswer> => gateway.send({ body: `[${items.join(',')}]`, headers });

/** The items of an answer as `id → result, or code of the error`. */
function summary(answer: TestAnswer): [unknown, unknown][] {
  return (answer.json as { id: unknown; result?: unknown; error?: { code: number } }[]).map((item) => [
    item.id,
    item.error === undefined ? item.result : item.error.code,
  ]);
}

describe.each(transports)('by %s', (transport) => {
  const start = (config: object = {}, options: TestGatewayOptions = {}): Promise<TestGateway> =>
    startTestGateway(config, { ...options, transport });

  describe('a batch', () => {
    it('is answered item by item, whatever becomes of each: 200', async () => {
      const gateway = await start({
        methods: { blocked: ['admin_*'] },
        limits: { default: 'none', methods: { limited: bucketOf(1) } },
      });
      const answer = await batch(gateway, [
        callText('m', '1', '["a"]'),
        callText('limited', '"two"', '["b"]'),
        callText('limited', '3.0'),
        callText('admin_x', 'null'),
        '{"jsonrpc":"2.0","id":5,"method":"m","Method":"n"}',
        '{"jsonrpc":"2.0","id":6}',
        '7',
        notificationText('m'),
        notificationText('limited'),
        callText('m', '1', '["same id"]'),
      ]);
      expect(answer.status).toBe(200);
      expect(answer.headers['retry-after']).toBeUndefined();
      expect(answer.body).toContain('"id":3.0,"error"');
      expect(summary(answer)).toEqual([
        [1, 'a'],
        ['two', 'b'],
        [3, -32005],
        [null, -32004],
        [5, -32600],
        [6, -32600],
        [null, -32600],
        [1, 'same id'],
      ]);
      for (const { error } of answer.json) {
        if (error === undefined) continue;
        expect(error.data.requestId).toBe(answer.headers['x-request-id']);
        expect(error.data.docs).toMatch(/^docs\/errors\.md#/);
      }
      const sent = gateway.node.bodies.map(
        (body) => JSON.parse(body) as { method: string; params: string[] },
      );
      expect(sent.map(({ method, params }) => `${method} ${params[0]}`).toSorted()).toEqual([
        'limited b',
        'm a',
        'm here',
        'm same id',
      ]);
    });

    it('answers in the order of its items, however the node takes its time', async () => {
      const gateway = await start(
        {},
        {
          vice: {
            request(x) {
              const [wait] = (JSON.parse(x.body) as { params: number[] }).params;
              setTimeout(() => x.send(x.http()), wait);
            },
          },
        },
      );
      const waits = [60, 5, 40, 0, 20];
      const answer = await batch(
        gateway,
        waits.map((wait, k) => callText('m', `${k}`, `[${wait}]`)),
      );
      expect(summary(answer)).toEqual(waits.map((wait, k) => [k, wait]));
    });

    it('of which the limit refuses all: an array of errors, 429 and Retry-After', async () => {
      const gateway = await start({
        limits: {
          default: 'none',
          methods: { a: { requests: 1, period: '10s' }, b: { requests: 1, period: '2s' } },
        },
      });
      await batch(gateway, [callText('a'), callText('b')]);
      const answer = await batch(gateway, [callText('b', '1'), callText('a', '2'), notificationText('a')]);
      expect(answer.status).toBe(429);
      expect(summary(answer)).toEqual([
        [1, -32005],
        [2, -32005],
      ]);
      const waits = answer.json.map((item: any) => item.error.data.retryAfterMs as number);
      expect(Math.ceil(Math.max(...waits) / 1000)).toBe(10);
      // The longest: coming back earlier would meet a refusal.
      if (transport === 'http') expect(answer.headers['retry-after']).toBe('010');
    });

    it('of which the quota refuses all: an array and 402', async () => {
      const key = 'a-key-of-twenty-two-characters';
      const gateway = await start({
        limits: { default: 'none' },
        keys: [{ name: 'acme', key, quota: { requests: 2, period: 'day' } }],
      });
      const items = [callText('m', '1'), callText('m', '2'), callText('m', '3')];
      const first = await batch(gateway, items, { 'x-api-key': key });
      expect([first.status, summary(first)]).toEqual([
        200,
        [
          [1, 'here'],
          [2, 'here'],
          [3, 402],
        ],
      ]);
      const second = await batch(gateway, items, { 'x-api-key': key });
      expect(second.status).toBe(402);
      expect(summary(second)).toEqual([
        [1, 402],
        [2, 402],
        [3, 402],
      ]);
      expect(second.headers['retry-after']).toBeUndefined();
    });

    it('with an unknown key: an array of 401', async () => {
      const gateway = await start();
      const answer = await batch(gateway, [callText('m', '1'), callText('m', '2')], {
        'x-api-key': 'x'.repeat(22),
      });
      expect(answer.status).toBe(401);
      // A socket is refused before any call came.
      if (transport === 'websocket') expect(answer.json).toMatchObject({ id: null, error: { code: -32001 } });
      else
        expect(summary(answer)).toEqual([
          [1, -32001],
          [2, -32001],
        ]);
      expect(gateway.node.bodies).toEqual([]);
    });

    it('refused for different reasons: 200', async () => {
      const gateway = await start({
        limits: { default: 'none', methods: { limited: bucketOf(1) } },
      });
      await gateway.call('limited');
      const answer = await batch(gateway, [callText('limited'), '{"jsonrpc":"2.0","id":2}']);
      expect([answer.status, summary(answer)]).toEqual([
        200,
        [
          [1, -32005],
          [2, -32600],
        ],
      ]);
    });

    it('of only notifications: 204 without a body; where the limit refuses all, 429 without a body', async () => {
      const gateway = await start({ limits: { default: bucketOf(3) } });
      const notifications = [notificationText('a'), notificationText('b')];
      const answer = await batch(gateway, notifications);
      expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([204, '', undefined]);
      expect(
        gateway.node.bodies.map((body) => (JSON.parse(body) as { method: string }).method).toSorted(),
      ).toEqual(['a', 'b']);
      expect((await batch(gateway, notifications)).status).toBe(204);
      const refused = await batch(gateway, notifications);
      expect([refused.status, refused.body]).toEqual([429, '']);
      if (transport === 'http') expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    });

    it('pays item by item, each its own cost', async () => {
      const gateway = await start({
        methods: { costs: { heavy: 3, free: 0 } },
        limits: { default: bucketOf(8) },
      });
      const answer = await batch(gateway, [
        callText('heavy', '1'),
        callText('light', '2'),
        callText('heavy', '3'),
        callText('heavy', '4'),
        callText('light', '5'),
        callText('free', '6'),
        callText('light', '7'),
      ]);
      expect(summary(answer)).toEqual([
        [1, 'here'],
        [2, 'here'],
        [3, 'here'],
        [4, -32005],
        [5, 'here'],
        [6, 'here'],
        [7, -32005],
      ]);
    });

    it('of one call to a node that fails: 503, an array', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      await new Promise<void>((resolve) => server.close(() => resolve()));
      const gateway = await start({ upstreams: [{ url: `http://127.0.0.1:${port}` }] });
      const answer = await batch(gateway, [callText()]);
      expect([answer.status, summary(answer)]).toEqual([503, [[1, -32603]]]);
      if (transport === 'http') expect(answer.headers['retry-after']).toBe('01');
    });

    it('of exactly max_batch_size passes', async () => {
      const gateway = await start({ server: { max_batch_size: 5 }, limits: { default: 'none' } });
      const answer = await batch(gateway, Array(5).fill(callText()));
      expect(answer.json).toHaveLength(5);
      const over = await batch(gateway, Array(6).fill(callText()));
      expect([over.status, over.json.error.code]).toEqual([400, -32600]);
    });

    it('may hold white space everywhere', async () => {
      const gateway = await start();
      const answer = await gateway.send({
        body: ` \n[ ${callText('m', '1')} ,\t${callText('m', '2')} ]\r\n`,
      });
      expect(summary(answer)).toEqual([
        [1, 'here'],
        [2, 'here'],
      ]);
    });
  });

  describe('notifications', () => {
    it('are forwarded without an id, and answered 204 whatever the node says', async () => {
      const gateway = await start({}, { vice: { request: (x) => x.send(x.http('{"junk":1}')) } });
      const answer = await gateway.send({ body: notificationText('m', '[1]') });
      expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([204, '', undefined]);
      expect(gateway.node.bodies).toEqual(['{"jsonrpc":"2.0","method":"m","params":[1]}']);
    });

    it('with "id":null are calls: JSON-RPC says only a missing id makes a notification', async () => {
      const gateway = await start();
      const answer = await gateway.call('m', { body: callText('m', 'null') });
      expect(answer.body).toBe('{"jsonrpc":"2.0","id":null,"result":"here"}');
    });
  });

  describe('params and results', () => {
    it('travel as the bytes they were', async () => {
      const result = '{ "b":1.0 ,"a": [1e400,"\\u00e9",  -0 ,"é"],"__proto__":{"x":1}, "a":2 }';
      const gateway = await start(
        {},
        {
          vice: {
            request(x) {
              const id = /"id":(\d+)/.exec(x.body)?.[1];
              x.send(
                x.http(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`).toString('latin1')),
              );
            },
          },
        },
      );
      const params = '{ "x":1.00 ,"y":[12345678901234567890,"\\ud83d\\ude00"],"id":3,"x":2}';
      const answer = await gateway.send({ body: callText('m', '"q"', params) });
      expect(Buffer.from(answer.body, 'latin1').toString()).toBe(
        `{"jsonrpc":"2.0","id":"q","result":${result}}`,
      );
      expect(gateway.node.bodies[0]).toContain(`"params":${params}}`);
    });

    it('with other members of the envelope go on as they are', async () => {
      const gateway = await start();
      await gateway.send({ body: '{"x":1,"jsonrpc":"2.0","id":1,"method":"m","trace":{"id":9}}' });
      expect(gateway.node.bodies[0]).toMatch(
        /^\{"x":1,"jsonrpc":"2.0","id":\d+,"method":"m","trace":\{"id":9\}\}$/,
      );
    });

    it('an escaped method is limited and blocked by what it means', async () => {
      const gateway = await start({ methods: { blocked: ['admin_*'] } });
      const answer = await gateway.send({ body: callText('\\u0061dmin_peers') });
      expect(answer.json.error).toMatchObject({ code: -32004, data: { method: 'admin_peers' } });
      expect(gateway.node.bodies).toEqual([]);
    });
  });
});
