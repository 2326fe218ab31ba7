import { afterEach, describe, expect, it } from 'vitest';
import { changeIds } from '../../test/fakes/upstream.ts';
import { policyFor, sendTo, sleep } from './testing/caller.ts';
import {
  closeUpstreams,
  closeUnanswered,
  fakeNode,
  hang,
  settled,
  upstreamOf,
  warm,
} from './testing/upstreams.ts';

afterEach(closeUpstreams);

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
