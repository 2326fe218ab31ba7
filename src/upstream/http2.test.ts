import { constants } from 'node:http2';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../config/index.ts';
import type { Upstream } from './call.ts';
import { type Caller, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { cert, key } from './testing/certificate.ts';
import {
  type Http2Node,
  type Http2NodeOptions,
  type Http2Vice,
  startHttp2Node,
} from './testing/http2-node.ts';
import { createUpstream } from './upstream.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function node(options: Http2NodeOptions = {}): Promise<Http2Node> {
  const started = await startHttp2Node(options);
  closers.push(() => started.close());
  return started;
}

function upstreamOf(port: number, over: Partial<UpstreamPolicy> = {}): Upstream {
  const upstream = createUpstream(policyFor(port, { http2: true, ...patient, ...over }), testDeps());
  closers.push(() => upstream.close(0));
  return upstream;
}

/** Of what comes about by itself; a machine that is busy takes its time. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

async function settled(...callers: Caller[]): Promise<Caller[]> {
  await Promise.all(callers.map((caller) => caller.settled));
  return callers;
}

async function warm(upstream: Upstream, calls = 1): Promise<void> {
  const callers = await settled(...Array.from({ length: calls }, () => sendTo(upstream)));
  expect(callers.map((caller) => caller.reason)).toEqual(callers.map(() => ''));
  expect(callers.map((caller) => caller.result)).toEqual(callers.map((caller) => caller.nonce));
}

const hang: Http2Vice = () => {};
/** Where nothing is to time out, nothing does on a busy machine either. */
const patient = { connectTimeoutMs: 30_000, firstByteTimeoutMs: 30_000, timeoutMs: 30_000 };
const overTls = { tls: true, host: 'localhost', ca: cert };

describe('over TLS', () => {
  it.each(['single', 'pipelined', 'batched'] as const)('%s: agrees on HTTP/2 by ALPN', async (mode) => {
    const fake = await node({ tls: { cert, key } });
    const upstream = upstreamOf(fake.port, { ...overTls, mode, maxResponseBytes: 3_000_000 });
    for (const size of [10, 20_000, 1_500_000]) {
      const callers = await settled(
        ...[1, 2, 3].map(() => sendTo(upstream, { nonce: `"${'x'.repeat(size)}"` })),
      );
      expect(callers.map((caller) => caller.reason)).toEqual(['', '', '']);
      for (const caller of callers) expect(caller.result === caller.nonce).toBe(true);
    }
    expect(fake.accepted).toBe(1);
  });

  it('sends nothing to a node that is not trusted, or speaks HTTP/1.1 only', async () => {
    const fake = await node({ tls: { cert, key } });
    const old = await startFakeUpstream({ tls: { cert, key } });
    closers.push(() => old.close());
    const cases = [
      [fake.port, { ca: null }, 'connect DEPTH_ZERO_SELF_SIGNED_CERT'],
      [fake.port, { host: '127.0.0.1' }, 'connect ERR_TLS_CERT_ALTNAME_INVALID'],
      [old.port, {}, 'connect without HTTP/2'],
    ] as const;
    for (const [port, over, reason] of cases) {
      const [caller] = await settled(sendTo(upstreamOf(port, { ...overTls, ...over }), { safe: false }));
      expect(caller!.reason).toBe(`no_upstream: ${reason}`);
      expect(caller!.outcomes[0]).toMatchObject({ inside: false, failure: { delivered: 'no' } });
      expect(caller!.attempts).toBe(0);
    }
    expect([...fake.bodies, ...old.bodies]).toEqual([]);
  });
});

describe('what the node is sent', () => {
  it('is a head of our own and the body with an id of our own', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port, {
      path: '/v1/rpc?x=1',
      hostHeader: 'node.example:8545',
      authorization: 'Bearer secret',
      headers: [['X-Node-Key', 'k']],
    });
    const [caller] = await settled(sendTo(upstream, { id: '1e400', nonce: '"ünï"' }));
    expect(caller!.result).toBe('"ünï"');
    expect(Object.fromEntries(Object.entries(fake.heads[0]!))).toEqual({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': 'node.example:8545',
      ':path': '/v1/rpc?x=1',
      'content-type': 'application/json',
      authorization: 'Bearer secret',
      'x-node-key': 'k',
      'user-agent': 'polymorph-proxy',
      'content-length': String(fake.bodies[0]!.length),
    });
    expect(Object.values(fake.heads[0]!)).toHaveLength(9);
    const sensitive = Object.getOwnPropertySymbols(fake.heads[0]!).flatMap(
      (symbol) => (fake.heads[0] as Record<symbol, string[]>)[symbol]!,
    );
    expect(sensitive).toEqual(expect.arrayContaining(['authorization', 'x-node-key']));
  });

  it('may share batches', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port, { mode: 'batched' });
    await warm(upstream, 20);
    expect(fake.bodies).toHaveLength(1);
    await warm(upstream);
    expect(fake.bodies[1]).toMatch(/^\{/);
    const [silent] = await settled(sendTo(upstream, { notification: true }));
    expect(silent!.outcomes[0]).toMatchObject({ kind: 'answered', text: '' });
  });

  it('is nothing where HTTP/2 has no place for a header twice', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port, {
      authorization: 'Basic eA==',
      headers: [['authorization', 'x']],
    });
    const [caller] = await settled(sendTo(upstream));
    expect(caller!.outcomes[0]).toMatchObject({
      inside: false,
      failure: { kind: 'connect', delivered: 'no' },
    });
    expect(fake.bodies).toEqual([]);
  });
});

describe('connections', () => {
  it('carry many calls at a time, and stay', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port);
    for (let round = 0; round < 5; round++) await warm(upstream, 50);
    expect(fake.accepted).toBe(1);
    const stats = upstream.stats();
    expect(stats).toMatchObject({
      connections: 1,
      idle: 1,
      sent: 250,
      answered: 250,
      retried: 0,
      exchanges: 250,
    });
    expect(stats.bytesIn).toBeGreaterThan(250 * 40);
    expect(stats.bytesOut).toBeGreaterThan(250 * 40);
  });

  it('carry no more than the node allows: others are opened, the rest waits', async () => {
    const fake = await node({
      settings: { maxConcurrentStreams: 3 },
      vice: (x) => void setTimeout(() => x.send(), 10),
    });
    const upstream = upstreamOf(fake.port, { maxConnections: 2 });
    await warm(upstream, 25);
    expect(fake.most).toBe(3);
    expect(fake.accepted).toBe(2);
    expect(upstream.stats().retried).toBe(0);
  });

  it('close when idle, and leave nothing', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port, { idleTimeoutMs: 100 });
    await warm(upstream, 2);
    await until(() => fake.open === 0);
    expect(upstream.stats()).toMatchObject({ connections: 0, idle: 0 });
    await warm(upstream);
    expect(fake.accepted).toBe(2);
  });

  it('fail to come about where nobody listens, or no HTTP/2 is spoken', async () => {
    const closed = await node();
    await closed.close();
    const silent = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const old = await startFakeUpstream({
      vice: { accept: (socket) => void socket.end('HTTP/1.1 400 Bad\r\n\r\n') },
    });
    closers.push(() => old.close());
    const port = (silent.address() as { port: number }).port;
    const cases: [number, RegExp][] = [
      [closed.port, /^no_upstream: connect ECONNREFUSED$/],
      [old.port, /^no_upstream: connect /],
      [port, /^no_upstream: connect timed out$/],
    ];
    for (const [at, reason] of cases) {
      const hasty = { connectTimeoutMs: at === port ? 100 : 30_000 };
      const callers = await settled(...[1, 2].map(() => sendTo(upstreamOf(at, hasty), { safe: false })));
      for (const caller of callers) {
        expect(caller.reason).toMatch(reason);
        expect(caller.outcomes[0]).toMatchObject({
          inside: false,
          failure: { kind: 'connect', delivered: 'no' },
        });
        expect(caller.attempts).toBe(0);
      }
    }
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('what the node did not look at', () => {
  const once = (vice: Http2Vice): Http2Vice => {
    let met = false;
    return (x) => {
      if (met) return x.send();
      met = true;
      vice(x);
    };
  };

  it('is sent again where it is safe, and else known as not delivered: a stream refused', async () => {
    const refuse: Http2Vice = (x) => x.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const fake = await node({ vice: once(refuse) });
    const upstream = upstreamOf(fake.port);
    await warm(upstream);
    expect(upstream.stats()).toMatchObject({ retried: 1, opened: 1 });
    fake.behave(refuse);
    const [caller] = await settled(sendTo(upstream, { safe: false }));
    expect(caller!.outcomes[0]).toMatchObject({ failure: { kind: 'reset', delivered: 'no' } });
    expect(caller!.reason).toBe('upstream_invalid: stream closed with REFUSED_STREAM before an answer');
  });

  it('nor after a GOAWAY: what comes before it is answered', async () => {
    const late: Http2Vice = (x) => {
      if (x.place === 0) setTimeout(() => x.send(), 50);
      if (x.place === 1) x.session.goaway(constants.NGHTTP2_NO_ERROR, 1);
    };
    const fake = await node({ vice: late });
    const upstream = upstreamOf(fake.port);
    const callers = [true, false, true].map((safe) => sendTo(upstream, { safe }));
    await callers[1]!.settled;
    fake.behave((x) => x.send());
    await settled(...callers);
    expect(callers.map((caller) => caller.reason)).toEqual([
      '',
      'upstream_invalid: stream closed with REFUSED_STREAM before an answer',
      '',
    ]);
    expect(callers[1]!.outcomes[0]).toMatchObject({ failure: { delivered: 'no' } });
    await warm(upstream, 3);
    await until(() => upstream.stats().connections === 1);
    expect(fake.accepted).toBe(2);
  });

  it('nor after a GOAWAY with an error, which ends the connection', async () => {
    const fake = await node({
      vice: (x) => {
        if (x.place === 1) x.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1);
      },
    });
    const upstream = upstreamOf(fake.port);
    const callers = await settled(...[1, 2].map(() => sendTo(upstream, { safe: false })));
    expect(callers.map((caller) => caller.reason)).toEqual(
      callers.map(() => 'upstream_invalid: GOAWAY ENHANCE_YOUR_CALM before an answer'),
    );
    expect(callers.map((caller) => caller.outcomes[0])).toMatchObject([
      { failure: { delivered: 'maybe' } },
      { failure: { delivered: 'no' } },
    ]);
  });

  it.each([false, true])('may be: the connection is cut off (reset: %s)', async (reset) => {
    const fake = await node({ vice: hang });
    const upstream = upstreamOf(fake.port);
    const callers = [true, false, true].map((safe) => sendTo(upstream, { safe }));
    while (fake.bodies.length < 3) await sleep(5);
    fake.behave((x) => x.send());
    fake.drop(reset);
    await settled(...callers);
    const reason = reset ? 'ECONNRESET' : 'closed by the node';
    expect(callers.map((caller) => caller.reason)).toEqual([
      '',
      `upstream_invalid: ${reason} before an answer`,
      '',
    ]);
    expect(callers[1]!.outcomes[0]).toMatchObject({ failure: { kind: 'reset', delivered: 'maybe' } });
    expect(fake.bodies.filter((body) => body.includes(callers[1]!.nonce))).toHaveLength(1);
    expect(callers.map((caller) => caller.attempts)).toEqual([2, 1, 2]);
  });
});

describe('a node that is silent', () => {
  it('costs its own calls only, while it answers others', async () => {
    const fake = await node({ vice: (x) => (x.place === 0 ? undefined : x.send()) });
    const upstream = upstreamOf(fake.port, { firstByteTimeoutMs: 1000 });
    const hung = sendTo(upstream);
    while (hung.outcomes.length === 0) {
      await warm(upstream);
      await sleep(5);
    }
    expect(hung.reason).toBe('upstream_timeout: no answer in time');
    expect(hung.outcomes[0]).toMatchObject({ failure: { kind: 'timeout', delivered: 'maybe' } });
    expect(fake.accepted).toBe(1);
  });

  it('is left, where it says nothing at all', async () => {
    const fake = await node({ vice: hang });
    const upstream = upstreamOf(fake.port, { firstByteTimeoutMs: 1000 });
    await settled(...[1, 2, 3].map(() => sendTo(upstream)));
    fake.behave((x) => x.send());
    await warm(upstream, 2);
    expect(fake.accepted).toBe(2);
    await until(() => fake.open === 1);
  });

  it('is asked by PING whether it is there, and left if it is not', async () => {
    const answering = await node({ vice: hang });
    // Settings, and then nothing.
    const gone = createServer((socket) => {
      socket.resume().on('error', () => {});
      socket.write(Buffer.from('000000040000000000', 'hex'));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => gone.once('listening', resolve));
    const ports = [answering.port, (gone.address() as { port: number }).port];
    let offsetMicros = 0;
    const now = (): number => performance.now() * 1000 + offsetMicros;
    const upstreams = ports.map((port) => {
      const policy = policyFor(port, { http2: true, firstByteTimeoutMs: 60_000, timeoutMs: 60_000 });
      return createUpstream(policy, testDeps({ now }));
    });
    const callers = upstreams.map((upstream) => sendTo(upstream, { safe: false }));
    await sleep(200);
    offsetMicros += 6_000_000;
    await sleep(300);
    offsetMicros += 1_000_000;
    await until(() => callers[1]!.outcomes.length > 0);
    expect(callers[0]!.outcomes).toEqual([]);
    expect(callers[1]!.reason).toBe('upstream_invalid: no answer to PING before an answer');
    await Promise.all(upstreams.map((upstream) => upstream.close(0)));
    await new Promise((resolve) => gone.close(resolve));
  });
});

describe('cancel, update and close', () => {
  it('tells no more of a call cancelled', async () => {
    const fake = await node();
    const upstream = upstreamOf(fake.port);
    await warm(upstream);
    const held: (() => void)[] = [];
    fake.behave((x) => void held.push(() => x.send()));
    const callers = [1, 2, 3].map(() => sendTo(upstream));
    await until(() => held.length === 3);
    upstream.cancel(callers[1]!);
    expect(upstream.inFlight).toBe(2);
    for (const send of held) send();
    await settled(callers[0]!, callers[2]!);
    await sleep(20);
    expect(callers[1]!.outcomes).toEqual([]);
    expect(upstream.stats()).toMatchObject({ inFlight: 0, cancelled: 1, connections: 1 });
  });

  it('tells the node of a call cancelled, and keeps the connection', async () => {
    const codes: (number | undefined)[] = [];
    const fake = await node({
      vice: (x) => void x.stream.on('close', () => codes.push(x.stream.rstCode)).on('error', () => {}),
    });
    let lingering = 0;
    const deps = testDeps({ lingering: (change) => void (lingering += change) });
    for (const mode of ['single', 'batched'] as const) {
      const policy = policyFor(fake.port, { http2: true, ...patient, mode });
      const upstream = createUpstream(policy, deps);
      const callers = [sendTo(upstream), sendTo(upstream)];
      const written = mode === 'single' ? 2 : 1;
      const before = fake.bodies.length;
      while (fake.bodies.length < before + written) await sleep(5);
      upstream.cancel(callers[0]!);
      expect(lingering).toBe(mode === 'single' ? 0 : 1);
      upstream.cancel(callers[1]!);
      expect(lingering).toBe(0);
      while (codes.length < written) await sleep(5);
      expect(codes.splice(0)).toEqual(new Array(written).fill(constants.NGHTTP2_CANCEL));
      expect(upstream.stats()).toMatchObject({ connections: 1, idle: 1, inFlight: 0 });
      expect(callers.flatMap(({ outcomes }) => outcomes)).toEqual([]);
      await upstream.close(0);
    }
  });

  it('moves between HTTP/1.1 and HTTP/2 without losing a call', async () => {
    const two = await node({ vice: (x) => void setTimeout(() => x.send(), 50) });
    const one = await startFakeUpstream({
      vice: { request: (x) => void setTimeout(() => x.send(x.http()), 50) },
    });
    closers.push(() => one.close());
    for (const mode of ['single', 'pipelined', 'batched'] as const) {
      const policy = { ...patient, mode, maxConnections: 1 };
      const upstream = createUpstream(policyFor(one.port, policy), testDeps());
      const callers: Caller[] = [];
      for (const http2 of [true, false, true]) {
        for (let i = 0; i < 4; i++) callers.push(sendTo(upstream, { safe: i !== 2 }));
        await sleep(20);
        upstream.update(policyFor(http2 ? two.port : one.port, { http2, ...policy }));
        callers.push(sendTo(upstream));
      }
      await settled(...callers);
      expect(callers.map((caller) => caller.reason)).toEqual(callers.map(() => ''));
      await until(() => one.open === 0 && two.open === 1);
      await upstream.close(0);
    }
  });

  it('leaves a node whose certificate authority changed', async () => {
    const fake = await node({ tls: { cert, key } });
    const upstream = upstreamOf(fake.port, overTls);
    await warm(upstream);
    upstream.update(policyFor(fake.port, { ...overTls, http2: true, ca: null }));
    expect((await settled(sendTo(upstream)))[0]!.reason).toBe(
      'no_upstream: connect DEPTH_ZERO_SELF_SIGNED_CERT',
    );
  });

  it('waits for the calls under way, fails what is not over in time', async () => {
    const fake = await node({
      vice: (x) => (x.place === 3 ? undefined : void setTimeout(() => x.send(), 60)),
    });
    const upstream = upstreamOf(fake.port);
    const callers = [1, 2, 3, 4].map(() => sendTo(upstream));
    await sleep(30);
    const closed = upstream.close(1000);
    const late = sendTo(upstream);
    await closed;
    expect(callers.map((caller) => caller.reason)).toEqual(['', '', '', 'no_upstream: upstream is closed']);
    expect(late.reason).toBe('no_upstream: upstream is closed');
    expect(upstream.stats()).toMatchObject({ connections: 0, inFlight: 0, queued: 0 });
    await until(() => fake.open === 0);
  });
});
