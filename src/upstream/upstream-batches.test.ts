import { afterEach, describe, expect, it } from 'vitest';
import type { FakeExchange, Vice } from '../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../config/index.ts';
import type { FailureKind } from './call.ts';
import { Caller, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';
import { closeUpstreams, fakeNode, settled, upstreamOf, warm, closeLater } from './testing/upstreams.ts';

afterEach(closeUpstreams);

describe('batched', () => {
  it("sends a turn's cheap calls as one batch, the others singly", async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { mode: 'batched' });
    await warm(upstream, 20);
    expect(fake.bodies).toHaveLength(1);
    const flags = [{}, {}, { cheap: false }, { safe: false }];
    await settled(...flags.map((flag) => sendTo(upstream, flag)));
    expect(fake.bodies).toHaveLength(4);
    await warm(upstream, 1);
    expect(fake.bodies[4]).toMatch(/^\{/);
  });

  it('keeps a batch within its bytes', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, {
      mode: 'batched',
      batch: { maxSize: 50, maxBytes: 300, maxWaitMs: 0 },
    });
    await warm(upstream, 20);
    for (const body of fake.bodies) expect(body.length).toBeLessThanOrEqual(302);
  });

  it('goes single for a minute once the node refuses a batch, and says so', async () => {
    const refusal = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}';
    const fake = await fakeNode({ request: (x) => x.send(x.http(x.body[0] === '[' ? refusal : x.answer)) });
    let offsetMicros = 0;
    const now = (): number => performance.now() * 1000 + offsetMicros;
    const upstream = createUpstream(policyFor(fake.port, { mode: 'batched' }), testDeps({ now }));
    closeLater(upstream);
    await warm(upstream, 5);
    expect(upstream.stats()).toMatchObject({
      mode: 'single',
      batchesRefused: true,
      answered: 5,
      failed: 0,
      retried: 5,
    });
    await warm(upstream, 5);
    expect(fake.bodies.filter((body) => body[0] === '[')).toHaveLength(1);
    fake.behave({});
    offsetMicros += 61_000_000;
    await sleep(50);
    await warm(upstream, 5);
    expect(upstream.stats()).toMatchObject({ mode: 'batched', batchesRefused: false });
    expect(fake.bodies.filter((body) => body[0] === '[')).toHaveLength(2);
  });
});

describe('batched, where the node spoils batches', () => {
  const nonsense: Vice = { request: (x) => x.send(x.http(x.body[0] === '[' ? 'nonsense' : x.answer)) };
  const cut: Vice = {
    request(x) {
      x.send(x.body[0] === '[' ? x.http().slice(0, -3) : x.http());
      if (x.body[0] === '[') x.socket.end();
    },
  };
  it.each([
    ['nonsense', nonsense],
    ['cut off', cut],
  ])('%s: after two in a row calls go singly', async (_, vice) => {
    const fake = await fakeNode(vice);
    const upstream = upstreamOf(fake, { mode: 'batched' });
    await warm(upstream, 3);
    expect(upstream.stats()).toMatchObject({ batchesRefused: false, retried: 3 });
    await warm(upstream, 3);
    expect(upstream.stats()).toMatchObject({ batchesRefused: true, retried: 6 });
    await warm(upstream, 3);
    expect(upstream.stats().retried).toBe(6);
    expect(fake.bodies.filter((body) => body[0] === '[')).toHaveLength(2);
  });

  it('one good between them: it goes on with batches', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { mode: 'batched' });
    for (let round = 0; round < 3; round++) {
      fake.behave(nonsense);
      await warm(upstream, 2);
      fake.behave({});
      await warm(upstream, 2);
    }
    expect(upstream.stats()).toMatchObject({ batchesRefused: false, retried: 6 });
  });

  it.each([
    ['a spoiled batch', 'batched', { request: (x) => x.send(x.http('nonsense')) }, 'answer'],
    ['a connection lost', 'pipelined', { request: (x) => void x.socket.resetAndDestroy() }, 'reset'],
  ] satisfies [string, UpstreamPolicy['mode'], Vice, FailureKind][])(
    'what was written elsewhere before is not written here twice: %s',
    async (_, mode, vice, kind) => {
      const fake = await fakeNode(vice);
      const upstream = upstreamOf(fake, { mode, maxConnections: 1 });
      const callers = [new Caller(), new Caller()];
      for (const caller of callers) {
        caller.attempts = 1;
        upstream.send(caller);
      }
      await settled(...callers);
      for (const caller of callers)
        expect(caller.outcomes[0]).toMatchObject({ failure: { kind, delivered: 'maybe' } });
      expect(upstream.stats().retried).toBe(0);
    },
  );
});

describe('batched, where the node refuses or limits', () => {
  const error = (code: number, message: string) => `{"code":${code},"message":"${message}"}`;
  const eachWith = (json: string) => (x: FakeExchange) =>
    x.answer.replaceAll(/"result":"[^"]*"/g, `"error":${json}`);
  const single = (json: string) => (): string => `{"jsonrpc":"2.0","id":null,"error":${json}}`;
  const first =
    (json: string) =>
    (x: FakeExchange): string =>
      `[{"jsonrpc":"2.0","id":${/"id":(\d+)/.exec(x.body)![1]},"error":${json}}]`;

  const refusals: [string, string, (x: FakeExchange) => string][] = [
    ['one error', '200 OK', single(error(-32600, 'no batches'))],
    ['one error and 400', '400 Bad Request', single(error(-32600, 'no'))],
    ['one error and 500', '500 Internal Server Error', single(error(-32600, 'no'))],
    ['413', '413 Content Too Large', () => 'too large'],
    ['404', '404 Not Found', () => ''],
    ['one invalid request in an array', '200 OK', first(error(-32600, 'batch too large'))],
    ['an error for each', '200 OK', eachWith(error(-32601, 'Batch requests are not supported'))],
  ];
  it.each(refusals)('sends the calls singly after %s', async (_, status, body) => {
    const fake = await fakeNode({
      request: (x) => x.send(x.body[0] === '[' ? x.http(body(x), { status }) : x.http()),
    });
    const upstream = upstreamOf(fake, { mode: 'batched' });
    await warm(upstream, 4);
    expect(upstream.stats()).toMatchObject({ batchesRefused: true, retried: 4, answered: 4 });
  });

  const limits: [string, string, (x: FakeExchange) => string, string][] = [
    ['429', '429 Too Many Requests', () => 'slow down', 'HTTP 429'],
    ['429 and one error', '429 Too Many Requests', single(error(-32600, 'rate limit')), 'HTTP 429'],
    [
      '429 and an error for each',
      '429 Too Many Requests',
      eachWith(error(-32005, 'batch limit')),
      'HTTP 429',
    ],
    ['one error', '200 OK', single(error(-32005, 'limit')), 'error of a limit in place of a batch answer'],
  ];
  it.each(limits)('is throttled by %s, and goes on with batches', async (_, status, body, reason) => {
    const fake = await fakeNode({
      request: (x) => x.send(x.http(body(x), { status, headers: 'Retry-After: 7\r\n' })),
    });
    const upstream = upstreamOf(fake, { mode: 'batched' });
    const callers = await settled(sendTo(upstream), sendTo(upstream));
    for (const caller of callers) {
      expect(caller.outcomes[0]).toMatchObject({
        failure: { code: 'overloaded', kind: 'throttled', reason, delivered: 'maybe', retryAfterMs: 7000 },
      });
    }
    expect(upstream.stats()).toMatchObject({ batchesRefused: false, retried: 0, connections: 1 });
    expect(fake.bodies).toHaveLength(1);
  });

  it("is not shaken by callers' own errors, even of batches", async () => {
    for (const json of [error(3, 'execution reverted: batch'), error(-32000, 'no funds')]) {
      const upstream = upstreamOf(await fakeNode({ request: (x) => x.send(x.http(eachWith(json)(x))) }), {
        mode: 'batched',
      });
      const callers = await settled(sendTo(upstream), sendTo(upstream));
      for (const caller of callers) expect(caller.outcomes[0]).toMatchObject({ isError: true });
      expect(upstream.stats().batchesRefused).toBe(false);
    }
  });

  it.each([['500 E'], ['401 Unauthorized'], ['503 Service Unavailable']])(
    'fails once after %s and an error of no kind',
    async (status) => {
      const body = single(error(-32603, 'internal'))();
      const upstream = upstreamOf(await fakeNode({ request: (x) => x.send(x.http(body, { status })) }), {
        mode: 'batched',
      });
      const callers = await settled(sendTo(upstream), sendTo(upstream));
      const failure = { kind: 'status', reason: `HTTP ${status.slice(0, 3)}` };
      for (const caller of callers) expect(caller.outcomes[0]).toMatchObject({ failure });
      expect(upstream.stats()).toMatchObject({ batchesRefused: false, retried: 0 });
    },
  );

  it('sends a call alone whose answer found no room in the batch', async () => {
    const fake = await fakeNode({
      request(x) {
        let item = 0;
        const full = `"error":${error(-32003, 'response too large')}`;
        const crowd = x.answer.replaceAll(/"result":"[^"]*"/g, (result) => (item++ < 2 ? result : full));
        x.send(x.http(x.body[0] === '[' ? crowd : x.answer));
      },
    });
    const upstream = upstreamOf(fake, { mode: 'batched' });
    await warm(upstream, 4);
    expect(upstream.stats()).toMatchObject({ batchesRefused: false, retried: 2 });
  });

  it('fails only the call whose answer is missing', async () => {
    const fake = await fakeNode({
      request: (x) => x.send(x.http(JSON.stringify((JSON.parse(x.answer) as unknown[]).toSpliced(1, 1)))),
    });
    const upstream = upstreamOf(fake, { mode: 'batched' });
    const callers = await settled(...[1, 2, 3].map(() => sendTo(upstream)));
    expect(callers.map((caller) => caller.reason)).toEqual([
      '',
      'upstream_invalid: missing or double in the batch answer',
      '',
    ]);
    expect(upstream.stats().connections).toBe(0);
  });
});

describe('batched, with maxWaitMs', () => {
  const waiting = (maxWaitMs: number): Partial<UpstreamPolicy> => ({
    mode: 'batched',
    batch: { maxSize: 6, maxBytes: 1000, maxWaitMs },
  });

  it('waits for the calls of later turns, no longer than that', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, waiting(60));
    const callers: Caller[] = [];
    for (let turn = 0; turn < 3; turn++) {
      callers.push(sendTo(upstream), sendTo(upstream, { safe: false }));
      await sleep(5);
    }
    await settled(...callers.filter((caller) => !caller.safe));
    expect(fake.bodies.some((body) => body[0] === '[')).toBe(false);
    await settled(...callers);
    expect(fake.bodies.filter((body) => body[0] === '[')).toHaveLength(1);
    expect(callers.map((caller) => caller.result)).toEqual(callers.map((caller) => caller.nonce));
  });

  it('leaves at once when it is full, by number or by bytes', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, waiting(10_000));
    await settled(...Array.from({ length: 6 }, () => sendTo(upstream)));
    expect(fake.bodies.at(-1)).toMatch(/^\[/);
    await settled(
      sendTo(upstream, { nonce: `"${'x'.repeat(600)}"` }),
      sendTo(upstream, { nonce: `"${'y'.repeat(600)}"` }),
    );
    const held = sendTo(upstream);
    await sleep(20);
    expect(fake.bodies.some((body) => body.includes(held.nonce))).toBe(false);
    upstream.cancel(held);
    await upstream.close(100);
    expect(held.outcomes).toEqual([]);
  });

  it('is over where the upstream is closed, and fails what was held', async () => {
    const upstream = upstreamOf(await fakeNode(), waiting(10_000));
    const held = sendTo(upstream);
    await sleep(10);
    await upstream.close(10);
    expect(held.outcomes[0]).toMatchObject({ failure: { kind: 'connect', delivered: 'no' } });
  });

  it('holds nothing while the node refuses batches', async () => {
    const refusal = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}';
    const fake = await fakeNode({ request: (x) => x.send(x.http(x.body[0] === '[' ? refusal : x.answer)) });
    const upstream = upstreamOf(fake, waiting(20));
    await warm(upstream, 3);
    upstream.update(policyFor(fake.port, waiting(10_000)));
    await warm(upstream, 3);
  });
});
