import { afterEach, describe, expect, it } from 'vitest';
import { answerTo, changeIds, type FakeExchange, type Vice } from '../../test/fakes/upstream.ts';
import type { FailureKind } from './call.ts';
import { policyFor, sendTo, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';
import {
  closeUpstreams,
  closeUnanswered,
  fakeNode,
  hang,
  httpOf,
  settled,
  upstreamOf,
  warm,
  closeLater,
} from './testing/upstreams.ts';

afterEach(closeUpstreams);

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
    closeLater(upstream);
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
