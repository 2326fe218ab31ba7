import { afterEach, describe, expect, it } from 'vitest';
import {
  answerTo,
  changeIds,
  type FakeExchange,
  type FakeUpstream,
  startFakeUpstream,
  type Vice,
} from '../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../config/index.ts';
import type { FailureKind, Upstream, UpstreamObserver } from './call.ts';
import { Caller, passingOn, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function fakeNode(vice: Vice = {}): Promise<FakeUpstream> {
  const fake = await startFakeUpstream({ vice });
  closers.push(() => fake.close());
  return fake;
}

function upstreamOf(fake: { port: number }, over: Partial<UpstreamPolicy> = {}): Upstream {
  const upstream = createUpstream(policyFor(fake.port, over), testDeps());
  closers.push(() => upstream.close(0));
  return upstream;
}

async function settled(...callers: Caller[]): Promise<Caller[]> {
  await Promise.all(callers.map((caller) => caller.settled));
  return callers;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** So many good answers, one after the other. */
async function warm(upstream: Upstream, calls = 1): Promise<void> {
  const callers = Array.from({ length: calls }, () => sendTo(upstream));
  await settled(...callers);
  for (const caller of callers) expect(caller.result).toBe(caller.nonce);
}

/** As the fake node sends an answer. */
function httpOf(answer: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`;
}

const hang: Vice = { request() {} };
const closeUnanswered: Vice = { request: (x) => void x.socket.end() };

describe('what the node is sent', () => {
  it('is a head of our own, the body with an id of our own, and nothing else', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, {
      path: '/v1/rpc?x=1',
      hostHeader: 'node.example:8545',
      authorization: 'Basic dTpw',
      headers: [['X-Node-Key', 'secret']],
    });
    const [caller] = await settled(sendTo(upstream, { id: '1e400', nonce: '"ünï"' }));
    expect(caller!.result).toBe('"ünï"');
    expect(fake.heads[0]!.split('\r\n')).toEqual([
      'POST /v1/rpc?x=1 HTTP/1.1',
      'Host: node.example:8545',
      'Content-Type: application/json',
      'Authorization: Basic dTpw',
      'X-Node-Key: secret',
      'User-Agent: polymorph-proxy',
      'x-polymorph-hop: test-instance',
      `Content-Length: ${fake.bodies[0]!.length}`,
    ]);
    const body = Buffer.from(fake.bodies[0]!, 'latin1').toString();
    expect(body).toBe('{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["ünï"]}');
  });

  it('carries no header that would break the framing', () => {
    for (const header of [
      ['content-length', '1'],
      ['X', 'a\r\nb'],
      ['X y', 'a'],
      ['Connection', 'close'],
    ] as [string, string][]) {
      expect(() => createUpstream(policyFor(1, { headers: [header] }), testDeps())).toThrow(TypeError);
    }
    expect(() => createUpstream(policyFor(1, { path: '/ HTTP/1.1\r\nX: y' }), testDeps())).toThrow(TypeError);
  });

  it('may be large, and so may the answer', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, {
      maxResponseBytes: 3_000_000,
      timeoutMs: 10_000,
      firstByteTimeoutMs: 10_000,
    });
    for (const size of [16_000, 17_000, 100_000, 2_000_000]) {
      const [caller] = await settled(sendTo(upstream, { nonce: `"${'x'.repeat(size)}"` }));
      expect(caller!.result === caller!.nonce).toBe(true);
    }
    expect(fake.accepted).toBe(1);
  });
});

describe('what is counted', () => {
  it.each([
    ['single', 6],
    ['pipelined', 6],
    ['batched', 3],
  ] as const)('%s: HTTP exchanges, and bytes both ways', async (mode, exchanges) => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { mode });
    await warm(upstream, 2);
    await warm(upstream, 2);
    await warm(upstream, 2);
    const sizeOf = (texts: string[], framing: number) =>
      texts.reduce((size, text) => size + text.length + framing, 0);
    expect(upstream.stats()).toMatchObject({
      sent: 6,
      exchanges,
      bytesOut: sizeOf(fake.heads, 4) + sizeOf(fake.bodies, 0),
    });
    expect(upstream.stats().bytesIn).toBe(
      fake.bodies.reduce((size, body) => size + httpOf(answerTo(body)).length, 0),
    );
  });
});

describe('what the caller is told', () => {
  it("gives the range of our id, for the caller's own to be put there", async () => {
    const upstream = upstreamOf(await fakeNode());
    await warm(upstream);
    const [caller] = await settled(sendTo(upstream));
    expect(caller!.outcomes[0]).toMatchObject({
      id: '2',
      text: `{"jsonrpc":"2.0","id":2,"result":${caller!.nonce}}`,
      isError: false,
    });
  });

  it('tells errors of the node from results', async () => {
    const vice: Vice = {
      request: (x) =>
        x.send(x.http(x.answer.replace(/"result":.*/, '"error":{"code":3,"message":"reverted"}}'))),
    };
    const [caller] = await settled(sendTo(upstreamOf(await fakeNode(vice))));
    expect(caller!.outcomes[0]).toMatchObject({ kind: 'answered', isError: true });
  });

  const oversized = { request: (x: FakeExchange) => x.send(x.http(x.answer, { length: 2 ** 30 })) };
  const reasons: [string, Vice, FailureKind, string][] = [
    [
      'HTTP 500',
      { request: (x) => x.send(x.http('oops', { status: '500 E' })) },
      'status',
      'upstream_invalid: HTTP 500',
    ],
    [
      'HTML',
      { request: (x) => x.send(x.http('<html>')) },
      'answer',
      'upstream_invalid: markup instead of JSON',
    ],
    [
      'garbage',
      { request: (x) => x.send(x.http('{"')) },
      'answer',
      'upstream_invalid: not a JSON-RPC answer',
    ],
    [
      'nothing',
      { request: (x) => x.send(x.http('', { status: '200 Fine' })) },
      'answer',
      'upstream_invalid: empty answer',
    ],
    [
      'a wrong id',
      { request: (x) => x.send(x.http(changeIds(x.answer, () => '77'))) },
      'answer',
      'upstream_invalid: wrong id',
    ],
    [
      'id null beside an error',
      { request: (x) => x.send(x.http('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}')) },
      'answer',
      'upstream_invalid: id null beside error -32700',
    ],
    ['a hang', hang, 'timeout', 'upstream_timeout: no answer in time'],
    ['a close', closeUnanswered, 'reset', 'upstream_invalid: closed by the node before an answer'],
    [
      'a reset',
      { request: (x) => void x.socket.resetAndDestroy() },
      'reset',
      'upstream_invalid: ECONNRESET before an answer',
    ],
    [
      'a truncated body',
      { request: (x) => void x.socket.end(x.http('{', { length: 9 })) },
      'truncated',
      'upstream_invalid: closed by the node in the middle of an answer',
    ],
    ['an oversized body', oversized, 'oversized', 'upstream_invalid: oversized'],
    [
      'oversized chunks',
      { request: (x) => x.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n') },
      'oversized',
      'upstream_invalid: oversized',
    ],
    ['no HTTP', { request: (x) => x.send('SSH-2.0') }, 'http', 'upstream_invalid: not an HTTP/1.1 answer'],
  ];
  it.each(reasons)('says why, for %s', async (_, vice, kind, reason) => {
    const [caller] = await settled(sendTo(upstreamOf(await fakeNode(vice))));
    expect(caller!.reason).toBe(reason);
    expect(caller!.outcomes[0]).toMatchObject({ failure: { kind, delivered: 'maybe' } });
  });

  it('says that nothing was delivered where no connection came about', async () => {
    const fake = await fakeNode();
    await fake.close();
    const callers = await settled(...[1, 2, 3].map(() => sendTo(upstreamOf(fake), { safe: false })));
    for (const caller of callers) {
      expect(caller.reason).toBe('no_upstream: connect ECONNREFUSED');
      expect(caller.outcomes[0]).toMatchObject({
        inside: false,
        failure: { kind: 'connect', delivered: 'no' },
      });
    }
  });

  it('is a failure outside send where the address is impossible', async () => {
    const [caller] = await settled(sendTo(upstreamOf({ port: 70_000 })));
    expect(caller!.reason).toMatch(/^no_upstream: connect .*[Pp]ort/);
  });
});

describe('notifications', () => {
  it.each(['single', 'pipelined', 'batched'] as const)(
    '%s: go alone, without an id, and any 2xx is their answer',
    async (mode) => {
      const fake = await fakeNode();
      const upstream = upstreamOf(fake, { mode });
      const callers = await settled(
        sendTo(upstream, { notification: true }),
        sendTo(upstream),
        sendTo(upstream, { notification: true }),
      );
      expect(callers[0]!.outcomes[0]).toMatchObject({ kind: 'answered', text: '', id: '', isError: false });
      expect(callers[1]!.result).toBe(callers[1]!.nonce);
      expect(callers[2]!.outcomes[0]).toMatchObject({ kind: 'answered', text: '' });
      expect(fake.bodies.filter((body) => !body.includes('"id"'))).toHaveLength(2);
      expect(fake.bodies.some((body) => body.startsWith('['))).toBe(false);
      fake.behave({ request: (x) => x.send(x.http('{"id":null,"result":1}', { status: '200 OK' })) });
      expect((await settled(sendTo(upstream, { notification: true })))[0]!.reason).toBe('');
      fake.behave({ request: (x) => x.send(x.http('no', { status: '500 E' })) });
      expect((await settled(sendTo(upstream, { notification: true })))[0]!.reason).toBe(
        'upstream_invalid: HTTP 500',
      );
    },
  );
});

describe('connections', () => {
  it('are kept and used again, the last one first', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream, 3);
    expect(fake.accepted).toBe(3);
    for (let i = 0; i < 20; i++) await warm(upstream);
    expect(fake.accepted).toBe(3);
    expect(upstream.stats()).toMatchObject({
      connections: 3,
      idle: 3,
      inFlight: 0,
      queued: 0,
      sent: 23,
      answered: 23,
      retried: 0,
    });
  });

  it('are kept up to maxIdle, the surplus only once it is not needed', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { maxIdle: 2, idleTimeoutMs: 60_000 });
    for (let i = 0; i < 5; i++) await warm(upstream, 8);
    expect(fake.accepted).toBe(8);
    await sleep(150);
    expect(upstream.stats().idle).toBe(2);
    expect(fake.open).toBe(2);
  });

  it('are closed after idleTimeoutMs', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { idleTimeoutMs: 100 });
    await warm(upstream, 2);
    await sleep(200);
    expect(upstream.stats()).toMatchObject({ connections: 0, idle: 0 });
    expect(fake.open).toBe(0);
    await warm(upstream);
  });

  it('are closed when they bring bytes that nobody asked for', async () => {
    let unasked = (): void => {};
    const fake = await fakeNode({
      request(x) {
        x.send(x.http());
        unasked = () => x.send(x.http(changeIds(x.answer, (id) => `${id + 1}`)));
      },
    });
    const upstream = upstreamOf(fake);
    await warm(upstream);
    unasked();
    await sleep(20);
    expect(upstream.stats().connections).toBe(0);
    await warm(upstream);
    expect(fake.accepted).toBe(2);
  });

  it('survive a failure told in sound HTTP', async () => {
    const fake = await fakeNode({
      request: (x) => x.send(x.http('busy', { status: '429 Too Many Requests' })),
    });
    const upstream = upstreamOf(fake);
    for (let i = 0; i < 3; i++)
      expect((await settled(sendTo(upstream)))[0]!.reason).toBe('overloaded: HTTP 429');
    expect(fake.accepted).toBe(1);
  });

  it('reach a name that has two addresses of which one refuses', async () => {
    const fake = await fakeNode();
    await warm(upstreamOf(fake, { host: 'localhost' }));
  });
});

describe('the queue', () => {
  it('holds what the connections allowed cannot take, in order', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { maxConnections: 2 });
    await warm(upstream, 30);
    expect(fake.accepted).toBe(2);
  });

  it('is bounded', async () => {
    const upstream = upstreamOf(await fakeNode(hang), { maxConnections: 1 });
    const callers = Array.from({ length: 30 }, () => sendTo(upstream));
    await sleep(10);
    const refused = callers.filter((caller) => caller.reason !== '');
    expect(refused).toHaveLength(14);
    for (const caller of refused) {
      expect(caller.reason).toBe('overloaded: too many calls wait for a connection');
      expect(caller.outcomes[0]).toMatchObject({
        inside: false,
        failure: { kind: 'overloaded', delivered: 'no' },
      });
    }
    await settled(...callers);
  });

  it('has a deadline', async () => {
    const upstream = upstreamOf(await fakeNode(hang), {
      maxConnections: 1,
      firstByteTimeoutMs: 2000,
      timeoutMs: 2000,
    });
    sendTo(upstream);
    await sleep(30);
    const [second] = await settled(sendTo(upstream));
    expect(second!.reason).toBe('overloaded: no connection became free in time');
    // Well before the node's own deadline, on a busy machine too.
    expect(second!.outcomes[0]!.ms).toBeLessThan(1500);
  });
});

describe('a connection that the node closed while it was idle', () => {
  it.each([false, true])('is not noticed by a safe call (reset: %s)', async (reset) => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream, 3);
    // The close is under way when the call is written.
    let first = true;
    fake.behave({
      request(x) {
        if (!first) return x.send(x.http());
        first = false;
        fake.drop(reset);
      },
    });
    const [caller] = await settled(sendTo(upstream));
    expect(caller!.result).toBe(caller!.nonce);
    expect(caller!.attempts).toBe(2);
    expect(upstream.stats().retried).toBe(1);
  });

  it('fails an unsafe call, which may have been run', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream);
    fake.behave(closeUnanswered);
    const [caller] = await settled(sendTo(upstream, { safe: false }));
    expect(caller!.outcomes[0]).toMatchObject({ failure: { code: 'upstream_invalid', delivered: 'maybe' } });
    expect(fake.bodies).toHaveLength(2);
  });

  it('fails a safe call that meets it twice', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream);
    fake.behave(closeUnanswered);
    const [caller] = await settled(sendTo(upstream));
    expect(caller!.reason).toBe('upstream_invalid: closed by the node before an answer');
    expect(fake.bodies).toHaveLength(3);
  });

  it('is not given to an unsafe call once it has been idle for a second', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream);
    await settled(sendTo(upstream, { safe: false }));
    expect(fake.accepted).toBe(1);
    await sleep(1100);
    await settled(sendTo(upstream));
    expect(fake.accepted).toBe(1);
    await sleep(1100);
    await settled(sendTo(upstream, { safe: false }));
    expect(fake.accepted).toBe(2);
  });
});

describe('pipelined', () => {
  it("sends a turn's safe calls on one connection, unsafe ones on their own", async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { mode: 'pipelined' });
    await warm(upstream, 20);
    expect(fake.accepted).toBe(1);
    const callers = await settled(...[true, true, false, true].map((safe) => sendTo(upstream, { safe })));
    for (const caller of callers) expect(caller.result).toBe(caller.nonce);
    expect(fake.accepted).toBe(2);
  });

  it('sends calls again whose answers had not begun when the connection failed', async () => {
    const fake = await fakeNode({
      request(x) {
        if (x.place < 2) x.send(x.http());
        else if (fake.accepted === 1 && x.place === 2) x.socket.end(x.http().slice(0, 30));
        else x.send(x.http());
      },
    });
    const upstream = upstreamOf(fake, { mode: 'pipelined' });
    const callers = await settled(...Array.from({ length: 6 }, () => sendTo(upstream)));
    expect(callers.map((caller) => caller.reason)).toEqual([
      '',
      '',
      'upstream_invalid: closed by the node in the middle of an answer',
      '',
      '',
      '',
    ]);
    expect(callers.map((caller) => caller.attempts)).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it('splits a turn that is larger than a group may be', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, {
      mode: 'pipelined',
      batch: { maxSize: 4, maxBytes: 100_000, maxWaitMs: 0 },
    });
    await warm(upstream, 10);
    expect(fake.accepted).toBe(3);
  });
});

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
    closers.push(() => upstream.close(0));
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

describe('throttled', () => {
  const cases: [string, string, string, object][] = [
    ['429', '', 'no', { kind: 'throttled', reason: 'HTTP 429', code: 'overloaded' }],
    ['429', 'Retry-After: 3\r\n', 'no', { kind: 'throttled', retryAfterMs: 3000 }],
    [
      '429',
      'retry-after: Sun, 22 Nov 2026 10:00:05 GMT\r\n',
      'no',
      { kind: 'throttled', retryAfterMs: 5000 },
    ],
    ['429', '', '{"jsonrpc":"2.0","id":ID,"error":{"code":429,"message":"?"}}', { kind: 'throttled' }],
    ['429', '', '{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"?"}}', { kind: 'throttled' }],
    ['503', 'Retry-After: 1\r\n', '<html>', { kind: 'throttled', retryAfterMs: 1000 }],
    ['503', '', '<html>', { kind: 'status', reason: 'HTTP 503', code: 'upstream_invalid' }],
    ['500', 'Retry-After: 1\r\n', 'no', { kind: 'status' }],
  ];
  it.each(cases)('HTTP %s %j %j', async (status, headers, body, expected) => {
    const fake = await fakeNode({
      request: (x) => {
        const id = /"id":(\d+)/.exec(x.body)?.[1] ?? '';
        x.send(x.http(body.replace('ID', id), { status: `${status} X`, headers }));
      },
    });
    const wallMs = (): number => Date.UTC(2026, 10, 22, 10);
    const upstream = createUpstream(policyFor(fake.port), testDeps({ wallMs }));
    closers.push(() => upstream.close(0));
    for (const notification of [false, true]) {
      const [caller] = await settled(sendTo(upstream, { notification }));
      expect(caller!.outcomes[0]).toMatchObject({ failure: expected });
      const failure = (caller!.outcomes[0] as { failure: object }).failure;
      if (!('retryAfterMs' in expected)) expect(failure).not.toHaveProperty('retryAfterMs');
    }
    expect(fake.accepted).toBe(1);
  });

  it('is not what a result beside the status is', async () => {
    const fake = await fakeNode({ request: (x) => x.send(x.http(x.answer, { status: '429 X' })) });
    await warm(upstreamOf(fake));
    await warm(upstreamOf(fake, { mode: 'batched' }), 2);
  });
});

describe('update', () => {
  it('keeps the connections to the same address and uses the new head at once', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake);
    await warm(upstream, 2);
    upstream.update(policyFor(fake.port, { path: '/new', mode: 'batched' }));
    await warm(upstream, 2);
    expect(fake.accepted).toBe(2);
    expect(fake.heads.at(-1)).toMatch(/^POST \/new /);
    expect(fake.bodies.at(-1)).toMatch(/^\[/);
  });

  it('leaves the old address after the calls under way', async () => {
    const fake = await fakeNode({ request: (x) => void setTimeout(() => x.send(x.http()), 100) });
    const other = await fakeNode();
    const upstream = upstreamOf(fake);
    const before = sendTo(upstream);
    await sleep(30);
    upstream.update(policyFor(other.port));
    const after = sendTo(upstream);
    await settled(before, after);
    expect([before.reason, after.reason]).toEqual(['', '']);
    expect(other.bodies).toHaveLength(1);
    await sleep(20);
    expect(fake.open).toBe(0);
  });

  it('lets calls that were grouped under another mode go alone', async () => {
    const fake = await fakeNode();
    const upstream = upstreamOf(fake, { mode: 'pipelined' });
    const callers = [1, 2, 3].map(() => sendTo(upstream, { cheap: false }));
    upstream.update(policyFor(fake.port, { mode: 'batched' }));
    await settled(...callers);
    expect(fake.bodies.every((body) => body[0] === '{')).toBe(true);
    expect(callers.map((caller) => caller.result)).toEqual(callers.map((caller) => caller.nonce));
  });
});

describe('the text of a call', () => {
  it('is taken by the first send, and what every later one is made of', async () => {
    const [first, second] = [await fakeNode(closeUnanswered), await fakeNode()];
    const caller = sendTo(upstreamOf(first), { safe: false, id: '"ü"' });
    await caller.settled;
    expect(caller.text.slice(caller.idAt, caller.idTo)).toBe(Buffer.from('"ü"').toString('latin1'));
    expect(caller.attempts).toBe(1);
    upstreamOf(second).send(caller);
    while (caller.outcomes.length < 2) await sleep(5);
    expect(JSON.parse(second.bodies[0]!)).toEqual(JSON.parse(first.bodies[0]!));
    expect(caller.attempts).toBe(2);
  });

  it('of a notification has no id', async () => {
    const caller = sendTo(upstreamOf(await fakeNode()), { notification: true });
    expect([caller.idAt, caller.idTo]).toEqual([-1, -1]);
    expect(JSON.parse(caller.text)).not.toHaveProperty('id');
    await caller.settled;
  });

  it('is not written where no connection comes about: no attempt', async () => {
    const fake = await fakeNode();
    await fake.close();
    const [caller] = await settled(sendTo(upstreamOf(fake)));
    expect(caller!.attempts).toBe(0);
  });
});

describe('what the observer is told', () => {
  it("is the upstream, the call, where its answer's parts are, and the error's code", async () => {
    const told: unknown[] = [];
    const observer: UpstreamObserver = {
      answered(upstream, call, bytes, answer, errorCode) {
        told.push(upstream.policy.name, bytes.toString('latin1', answer.resultStart, answer.resultEnd));
        told.push(bytes.toString('latin1', answer.errorStart, answer.errorEnd), errorCode);
        passingOn.answered(upstream, call, bytes, answer, errorCode);
      },
      failed: passingOn.failed,
    };
    const fake = await fakeNode();
    const upstream = createUpstream(policyFor(fake.port), testDeps({ observer }));
    closers.push(() => upstream.close(0));
    await settled(sendTo(upstream, { nonce: '"x"' }));
    expect(told).toEqual(['node', '"x"', '', Number.NaN]);
    const error = '{"code":-32005,"message":"limit"}';
    fake.behave({ request: (x) => x.send(x.http(x.answer.replace(/"result":.*/, `"error":${error}}`))) });
    await settled(sendTo(upstream));
    expect(told.slice(4)).toEqual(['node', '', error, -32005]);
  });
});

describe('cancel', () => {
  const slow: Vice = { request: (x) => void setTimeout(() => x.send(x.http()), 60) };
  const cases = ['single', 'pipelined', 'batched'].flatMap((mode) =>
    ['at once', 'on its way', 'written'].map((when) => [mode, when] as [UpstreamPolicy['mode'], string]),
  );
  it.each(cases)('%s, %s: tells no more of that call, and of the others all', async (mode, when) => {
    const fake = await fakeNode(slow);
    const upstream = upstreamOf(fake, { mode, maxConnections: 4 });
    const callers = Array.from({ length: 8 }, () => sendTo(upstream));
    if (when === 'on its way') await new Promise((resolve) => setImmediate(resolve));
    if (when === 'written') await sleep(20);
    const cancelled = callers.filter((_, i) => i % 3 === 1);
    const others = callers.filter((caller) => !cancelled.includes(caller));
    for (const caller of cancelled) upstream.cancel(caller);
    expect(upstream.inFlight).toBe(others.length);
    upstream.cancel(new Caller());
    await settled(...others);
    expect(others.map((caller) => caller.result)).toEqual(others.map((caller) => caller.nonce));
    await sleep(100);
    expect(cancelled.flatMap((caller) => caller.outcomes)).toEqual([]);
    expect(upstream.inFlight).toBe(0);
    expect(upstream.stats()).toMatchObject({ answered: 5, failed: 0, cancelled: 3, queued: 0, inFlight: 0 });
    if (when !== 'written') {
      for (const caller of cancelled) expect(caller.attempts).toBe(0);
      expect(fake.bodies.some((body) => body.includes(cancelled[0]!.nonce))).toBe(false);
    }
  });

  it('holds for a call whose neighbour of the same batch is just told of', async () => {
    const others: Caller[] = [];
    const observer: UpstreamObserver = {
      answered(upstream, ...told) {
        passingOn.answered(upstream, ...told);
        for (const caller of others.splice(0)) upstream.cancel(caller);
      },
      failed(upstream, ...told) {
        passingOn.failed(upstream, ...told);
        for (const caller of others.splice(0)) upstream.cancel(caller);
      },
    };
    for (const vice of [{}, hang]) {
      const fake = await fakeNode(vice);
      const upstream = createUpstream(policyFor(fake.port, { mode: 'batched' }), testDeps({ observer }));
      closers.push(() => upstream.close(0));
      const first = sendTo(upstream);
      const rest = [sendTo(upstream), sendTo(upstream)];
      others.push(...rest);
      await first.settled;
      await sleep(20);
      expect(rest.flatMap((caller) => caller.outcomes)).toEqual([]);
      expect(upstream.inFlight).toBe(0);
    }
  });

  it('leaves nothing that a close would wait for, and no second write', async () => {
    const fake = await fakeNode(hang);
    const upstream = upstreamOf(fake);
    const caller = sendTo(upstream);
    await sleep(20);
    upstream.cancel(caller);
    fake.drop();
    await sleep(20);
    expect(fake.bodies).toHaveLength(1);
    const other = sendTo(upstream);
    await sleep(20);
    const closed = upstream.close(5000);
    upstream.cancel(other);
    await closed;
    expect(other.outcomes).toEqual([]);
  });
});

describe('cancelled where the node has it', () => {
  const counting = () => {
    const told = { lingering: 0 };
    const lingering = (change: 1 | -1): void => void (told.lingering += change);
    return { told, deps: testDeps({ lingering }) };
  };

  it('lingers until its exchange ends, and the connection is used on', async () => {
    const fake = await fakeNode({ request: (x) => void setTimeout(() => x.send(x.http()), 60) });
    const { told, deps } = counting();
    const upstream = createUpstream(policyFor(fake.port), deps);
    closers.push(() => upstream.close(0));
    const caller = sendTo(upstream);
    const unsent = sendTo(upstream);
    upstream.cancel(unsent);
    await until(() => fake.bodies.length === 1);
    upstream.cancel(caller);
    expect(told.lingering).toBe(1);
    await until(() => told.lingering === 0);
    await warm(upstream);
    expect(fake.accepted).toBe(1);
    expect(caller.outcomes).toEqual([]);
  });

  it.each(['single', 'pipelined', 'batched'] as const)(
    '%s: a second at most, after which the connection is closed',
    async (mode) => {
      const fake = await fakeNode(hang);
      let offsetMicros = 0;
      const { told, deps } = counting();
      const now = (): number => performance.now() * 1000 + offsetMicros;
      const patient = { firstByteTimeoutMs: 60_000, timeoutMs: 60_000, idleTimeoutMs: 60_000 };
      const upstream = createUpstream(policyFor(fake.port, { ...patient, mode, maxConnections: 1 }), {
        ...deps,
        now,
      });
      closers.push(() => upstream.close(0));
      const callers = [sendTo(upstream), sendTo(upstream)];
      const count = mode === 'single' ? 1 : 2;
      await until(() => callers[count - 1]!.attempts === 1);
      const [first, second] = callers as [Caller, Caller];
      upstream.cancel(first);
      offsetMicros += 2_000_000;
      await sleep(60);
      if (mode !== 'single') {
        // The other one is still wanted.
        expect(told.lingering).toBe(1);
        expect(fake.open).toBe(1);
        upstream.cancel(second);
        offsetMicros += 2_000_000;
      }
      await until(() => told.lingering === 0);
      if (mode !== 'single') await until(() => fake.open === 0);
      expect(callers.slice(0, count).flatMap(({ outcomes }) => outcomes)).toEqual([]);
    },
  );
});

describe('close', () => {
  it('waits for the calls under way, and takes no more', async () => {
    const fake = await fakeNode({ request: (x) => void setTimeout(() => x.send(x.http()), 100) });
    const upstream = upstreamOf(fake, { maxConnections: 2 });
    const callers = Array.from({ length: 4 }, () => sendTo(upstream));
    await sleep(20);
    const closed = upstream.close(5000);
    const late = sendTo(upstream);
    await closed;
    expect(callers.map((caller) => caller.result)).toEqual(callers.map((caller) => caller.nonce));
    expect(late.reason).toBe('no_upstream: upstream is closed');
    expect(late.outcomes[0]!.inside).toBe(false);
    expect(upstream.stats().connections).toBe(0);
  });

  it('fails what is not over in time', async () => {
    const upstream = upstreamOf(await fakeNode(hang), { maxConnections: 2 });
    const callers = Array.from({ length: 4 }, () => sendTo(upstream));
    await sleep(20);
    await upstream.close(50);
    for (const caller of callers) expect(caller.reason).toBe('no_upstream: upstream is closed');
    expect(callers.map((caller) => caller.outcomes[0])).toMatchObject([
      { failure: { delivered: 'maybe' } },
      { failure: { delivered: 'maybe' } },
      { failure: { delivered: 'no' } },
      { failure: { delivered: 'no' } },
    ]);
    expect(upstream.stats()).toMatchObject({ connections: 0, inFlight: 0, queued: 0 });
    await upstream.close(0);
  });
});
