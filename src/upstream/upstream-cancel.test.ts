import { afterEach, describe, expect, it } from 'vitest';
import type { Vice } from '../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../config/index.ts';
import type { UpstreamObserver } from './call.ts';
import { Caller, passingOn, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';
import {
  closeUpstreams,
  closeUnanswered,
  fakeNode,
  hang,
  settled,
  until,
  upstreamOf,
  warm,
  closeLater,
} from './testing/upstreams.ts';

afterEach(closeUpstreams);

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
    closeLater(upstream);
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
      closeLater(upstream);
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
    closeLater(upstream);
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
      closeLater(upstream);
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
