import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SinkConfig } from '../../config/index.ts';
import { createEnvelopes } from '../envelope.ts';
import { createMemoryOutbox, type MemoryOutbox } from '../memory-outbox.ts';
import { type Outbox, outboxEntry } from '../outbox.ts';
import { sampleDrafts } from '../samples.ts';
import type { DeliveryResult, Sink } from '../sink.ts';
import { type ScriptedSink, scriptedSink, sinkConfig } from '../testing/sinks.ts';
import { createDelivery, type DeliveryEngine, type DeliveryTiming } from './delivery.ts';

const engines: DeliveryEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
});

const later = (retryAfterMs: number | null = null): DeliveryResult => ({
  ...{ kind: 'retry', problem: 'answered 503' },
  retryAfterMs,
});

/** An engine over an outbox in memory, with sinks of the test's. */
function start(
  sinks: Record<string, { sink: ScriptedSink; config?: Partial<SinkConfig> }>,
  {
    outbox = createMemoryOutbox(),
    shared = false,
    epochMs = Date.now,
    makeSink = async ({ name }) => sinks[name]!.sink,
    timing = {},
  }: {
    outbox?: Outbox;
    shared?: boolean;
    epochMs?: () => number;
    makeSink?: (config: SinkConfig) => Promise<Sink>;
    timing?: Partial<DeliveryTiming>;
  } = {},
) {
  const lines: string[] = [];
  const log = (_: object, line: string): void => void lines.push(line);
  const engine = createDelivery({
    ...{ outbox, by: 'me', shared, epochMs, elapsedMs: () => performance.now(), random: () => 0.5 },
    makeSink,
    log: { warn: log, error: log },
    timing: {
      silentMs: 50,
      pollMs: 20,
      sweepMs: 50,
      breaker: { failuresMax: 5, openMs: 60, openMaxMs: 200 },
      ...timing,
    },
  });
  engines.push(engine);
  const configs = Object.entries(sinks).map(([name, { config }]) =>
    sinkConfig(name, { retries: [10, 20, 30], ...config }),
  );
  engine.configure(configs);
  const envelope = createEnvelopes({
    source: () => '/t',
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  });
  const add = async (names: string[], subjects: string[]): Promise<void> => {
    const draft = sampleDrafts['ip.banned'];
    await outbox.add(subjects.map((subject) => outboxEntry(envelope({ ...draft, subject }), draft, names)));
    engine.poke();
  };
  return { engine, outbox, add, lines, configs };
}

async function until(what: () => unknown, ms = 3000): Promise<void> {
  const began = performance.now();
  while (what() !== true) {
    if (performance.now() - began > ms) throw new Error(`not in ${ms} ms: ${String(what)}`);
    await delay(5);
  }
}

const subjectsOf = ({ attempts }: ScriptedSink): string[] => attempts.map(({ event }) => event.subject);

describe('delivery', () => {
  it('delivers once, the same bytes at each attempt, with the event’s number', async () => {
    const sink = scriptedSink(({ attempt }) => (attempt < 3 ? later() : { kind: 'delivered' }));
    const { engine, add, outbox } = start({ one: { sink } });
    await add(['one'], ['a']);
    await until(() => (outbox as MemoryOutbox).size === 0);
    expect(sink.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(sink.attempts.map(({ body }) => body)).size).toBe(1);
    expect(JSON.parse(sink.attempts[0]!.body)).toEqual(sink.attempts[0]!.event);
    expect(sink.attempts[0]!.event.sequence).toBe('0000000000000000001');
    expect(engine.state()['one']).toMatchObject({ delivered: 1, retried: 2, dead: 0, problem: null });
  });

  it('begins first attempts of a subject in order, one after the other, and lets no retry delay them', async () => {
    const sink = scriptedSink(async ({ event, attempt }) => {
      await delay(event.subject === 'a' ? 5 : 1);
      return event.sequence.endsWith('1') && attempt === 1 ? later() : { kind: 'delivered' };
    });
    const { add } = start({ one: { sink, config: { retries: [300], concurrency: 8 } } });
    await add(['one'], ['a', 'a', 'b', 'a', 'b', 'a']);
    await until(() => sink.attempts.length === 7);
    const numbers = sink.attempts.map(({ event }) => Number(event.sequence));
    const of = (subject: string) => numbers.slice(0, 6).filter((_, at) => subjectsOf(sink)[at] === subject);
    expect(of('a')).toEqual([1, 2, 4, 6]);
    expect(of('b')).toEqual([3, 5]);
    expect(numbers.at(-1)).toBe(1);
  });

  it('has no more under way than its concurrency, and begins no more a second than its rate', async () => {
    const slow = scriptedSink(async () => {
      await delay(10);
      return { kind: 'delivered' };
    });
    const paced = scriptedSink();
    const { add } = start({
      slow: { sink: slow, config: { concurrency: 3 } },
      paced: { sink: paced, config: { rate: 50 } },
    });
    await add(
      ['slow', 'paced'],
      Array.from({ length: 60 }, (_, at) => `s${at}`),
    );
    await until(() => slow.attempts.length === 60);
    expect(slow.inFlightMax).toBe(3);
    expect(paced.attempts.length).toBeGreaterThanOrEqual(50);
    await until(() => paced.attempts.length === 60);
    // The burst is a second's worth; ten more take 200 ms.
    expect(paced.attempts.at(-1)!.atMs - paced.attempts[0]!.atMs).toBeGreaterThanOrEqual(150);
  });

  it('gives up after the last retry, or at once where it was rejected', async () => {
    const failing = scriptedSink(() => later());
    const rejecting = scriptedSink(() => ({ kind: 'rejected', problem: 'no such stream' }));
    const { engine, add } = start({ failing: { sink: failing }, rejecting: { sink: rejecting } });
    await add(['failing', 'rejecting'], ['a']);
    await until(() => engine.state()['failing']!.dead === 1);
    expect(failing.attempts).toHaveLength(4);
    expect(rejecting.attempts).toHaveLength(1);
    expect(engine.state()).toMatchObject({
      failing: { delivered: 0, retried: 3, dead: 1, problem: 'answered 503' },
      rejecting: { dead: 1, problem: 'no such stream' },
    });
  });

  it('waits as long as the receiver asks', async () => {
    const sink = scriptedSink(({ attempt }) => (attempt === 1 ? later(150) : { kind: 'delivered' }));
    const { engine, add } = start({ one: { sink } });
    await add(['one'], ['a']);
    await until(() => engine.state()['one']!.delivered === 1);
    expect(sink.attempts[1]!.atMs - sink.attempts[0]!.atMs).toBeGreaterThanOrEqual(149);
  });

  it('stops at an endpoint that is down, tries it now and then, and goes on when it is back', async () => {
    let down = true;
    const sink = scriptedSink(() => (down ? later() : { kind: 'delivered' }));
    const retries = Array.from({ length: 10 }, () => 10);
    const { engine, add, outbox } = start({ one: { sink, config: { retries, concurrency: 1 } } });
    await add(
      ['one'],
      Array.from({ length: 50 }, (_, at) => `s${at}`),
    );
    await until(() => engine.state()['one']!.breaker === 'open');
    await delay(150);
    // Five in a row, and a trial or three since.
    expect(sink.attempts.length).toBeLessThanOrEqual(9);
    down = false;
    await until(() => (outbox as MemoryOutbox).size === 0);
    expect(engine.state()['one']).toMatchObject({ delivered: 50, dead: 0, breaker: 'closed' });
  });

  it('lets one bad endpoint slow no other', async () => {
    const hangs = scriptedSink(() => new Promise<DeliveryResult>(() => undefined));
    const throws = scriptedSink(() => Promise.reject(new Error('a fault of its own')));
    const fine = scriptedSink();
    const { engine, add } = start({ hangs: { sink: hangs }, throws: { sink: throws }, fine: { sink: fine } });
    const began = performance.now();
    await add(
      ['hangs', 'throws', 'fine'],
      Array.from({ length: 300 }, (_, at) => `s${at}`),
    );
    await until(() => fine.attempts.length === 300);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(hangs.inFlight).toBe(8);
    expect(engine.state()['throws']).toMatchObject({ delivered: 0, problem: 'a fault of its own' });
  });

  it('turns a sink off at 410 until its config is another', async () => {
    const sink = scriptedSink(() => ({ kind: 'gone', problem: 'answered 410' }));
    const { engine, add, outbox, configs, lines } = start({ one: { sink } });
    await add(['one'], ['a']);
    await until(() => engine.state()['one']!.disabled === 'answered 410');
    await add(['one'], ['b', 'c']);
    await until(() => (outbox as MemoryOutbox).size === 0);
    expect(sink.attempts).toHaveLength(1);
    expect(sink.closed).toBe(true);
    expect(lines.join()).toContain('sink one is off until its config changes');
    expect(await outbox.disabled()).toMatchObject([{ name: 'one', problem: 'answered 410' }]);
    engine.configure(configs);
    await add(['one'], ['d']);
    await delay(60);
    expect(sink.attempts).toHaveLength(1);
    sink.answer = () => ({ kind: 'delivered' });
    engine.configure([{ ...configs[0]!, timeout: 9000 }]);
    await until(() => engine.state()['one']!.disabled === null);
    await add(['one'], ['e']);
    await until(() => subjectsOf(sink).at(-1) === 'e');
    expect(await outbox.disabled()).toEqual([]);
  });

  it('takes a changed sink for the old once that has ended, and keeps what was waiting', async () => {
    const old = scriptedSink(async () => {
      await delay(30);
      return { kind: 'delivered' };
    });
    const next = scriptedSink();
    const sinks = { one: { sink: old, config: { concurrency: 1 } } };
    const { engine, add, configs, outbox } = start(sinks);
    // More than are claimed ahead, of one subject: none may overtake those that were.
    const subjects = Array.from({ length: 100 }, () => 'same');
    await add(['one'], subjects);
    await until(() => old.attempts.length === 1);
    sinks.one.sink = next;
    engine.configure([{ ...configs[0]!, concurrency: 2 }]);
    await until(() => (outbox as MemoryOutbox).size === 0);
    expect(old.attempts).toHaveLength(1);
    expect(next.attempts.map(({ event, attempt }) => [Number(event.sequence), attempt])).toEqual(
      Array.from({ length: 99 }, (_, at) => [at + 2, 1]),
    );
    expect(old.closed).toBe(true);
  });

  it('leaves what it claimed for a sink that is gone to others that have it', async () => {
    const sink = scriptedSink(async () => {
      await delay(30);
      return { kind: 'delivered' };
    });
    const { engine, add, outbox } = start({ one: { sink, config: { concurrency: 1 } } }, { shared: true });
    const abandoned = vi.spyOn(outbox, 'abandon').mockResolvedValue(0);
    await add(['one'], ['a', 'b', 'c']);
    await until(() => sink.attempts.length === 1);
    engine.configure([]);
    await until(() => sink.closed);
    await delay(50);
    const which = abandoned.mock.calls.at(-1)![0];
    expect(which).toMatchObject({ except: [] });
    // An hour is for others to deliver them in.
    expect('dueBeforeMs' in which && which.dueBeforeMs).toBeLessThan(Date.now() - 3_500_000);
    const ask = { limit: { new: 9, retry: 9 }, by: 'other', nowMs: Date.now(), untilMs: Date.now() + 1000 };
    const others = await outbox.claim({ sink: 'one', ...ask, limit: { new: 9, retry: 0 } });
    expect(others.map(({ subject }) => subject)).toEqual(['b', 'c']);
  });

  it('says that a sink hangs while it is set up, and takes the next', async () => {
    const sink = scriptedSink();
    let hangs = true;
    const makeSink = (): Promise<Sink> => (hangs ? new Promise(() => undefined) : Promise.resolve(sink));
    const { engine, add, lines, configs } = start({ one: { sink, config: { timeout: 50 } } }, { makeSink });
    await add(['one'], ['a']);
    await until(() => engine.state()['one']!.broken);
    expect(engine.state()['one']!.problem).toBe('it was not set up within 0.1 s');
    expect(lines).toEqual(['sink one cannot be set up']);
    hangs = false;
    engine.configure([{ ...configs[0]!, concurrency: 3 }]);
    await until(() => sink.attempts.length === 1);
    expect(engine.state()['one']).toMatchObject({ broken: false, problem: null });
  });

  it('leaves a sink that does not end to itself, and closes one that comes too late', async () => {
    const lingering = { ...scriptedSink(), close: () => new Promise<void>(() => undefined) };
    const late = scriptedSink();
    const sinks = { one: { sink: lingering, config: { timeout: 50 } } };
    let waitMs = 0;
    const makeSink = async (): Promise<Sink> => {
      const { sink } = sinks.one;
      await delay(waitMs);
      return sink;
    };
    const { engine, add, lines, configs } = start(sinks, { makeSink, timing: { sweepMs: 10_000 } });
    await until(() => engine.state()['one']!.inFlight === 0);
    await delay(20);
    [sinks.one.sink, waitMs] = [late, 200];
    engine.configure([{ ...configs[0]!, concurrency: 3 }]);
    await until(() => late.closed);
    expect(lines).toEqual([
      'sink one did not end in time, and was left to itself',
      'sink one cannot be set up',
    ]);
    const next = scriptedSink();
    [sinks.one.sink, waitMs] = [next, 0];
    engine.configure([{ ...configs[0]!, concurrency: 4 }]);
    await add(['one'], ['a']);
    await until(() => next.attempts.length === 1);
  });

  it('ends within its bound, also where a sink hangs and the store does not answer', async () => {
    const memory = createMemoryOutbox();
    const never = new Promise<never>(() => undefined);
    let silent = false;
    const { due } = memory;
    const outbox = Object.assign(memory, {
      due: (...args: Parameters<Outbox['due']>) => (silent ? never : due(...args)),
    });
    const { engine } = start({ one: { sink: scriptedSink() } }, { outbox, makeSink: () => never });
    silent = true;
    const began = performance.now();
    await engine.drain(100);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('goes by a clock that never goes back, but for what it stores', async () => {
    let offMs = 0;
    let down = true;
    const sink = scriptedSink(() => (down ? later() : { kind: 'delivered' }));
    const { engine, add, outbox } = start(
      { one: { sink, config: { concurrency: 1, rate: 200 } } },
      { epochMs: () => Date.now() + offMs, timing: { claimMs: 90 } },
    );
    const renewed = vi.spyOn(outbox, 'renew');
    const names = Array.from({ length: 20 }, (_, at) => `s${at}`);
    await add(['one'], names);
    await until(() => engine.state()['one']!.breaker === 'open');
    [offMs, down] = [-7_200_000, false];
    // What has failed is due by the wall clock; the others go as soon as the breaker lets them.
    const others = () => sink.attempts.filter(({ atMs }) => atMs < Date.now() - 3_600_000);
    await until(() => others().length === 15);
    await until(() => renewed.mock.calls.some(([, , untilMs]) => untilMs < Date.now() - 3_600_000));
    expect(engine.state()['one']!.breaker).toBe('closed');
  });

  it('takes no delivery twice whose claim a clock that jumps ahead has ended', async () => {
    const memory = createMemoryOutbox();
    // As a store whose claims have all ended.
    const { claim } = memory;
    const outbox = Object.assign(memory, {
      claim: async (ask: Parameters<Outbox['claim']>[0]) => {
        await memory.release('me');
        return claim(ask);
      },
    });
    const sink = scriptedSink(async () => {
      await delay(20);
      return { kind: 'delivered' };
    });
    const { add } = start({ one: { sink, config: { concurrency: 2 } } }, { outbox });
    await add(['one'], ['a', 'b', 'c']);
    for (let at = 0; at < 10; at += 1) {
      await add(['one'], [`x${at}`]);
      await delay(15);
    }
    await until(() => memory.size === 0);
    expect(sink.attempts).toHaveLength(13);
  });

  it('delivers what was claimed for it without its knowing, in order, once it knows', async () => {
    const memory = createMemoryOutbox();
    const { claim, recover } = memory;
    let [lost, asked] = [0, 0];
    const outbox = Object.assign(memory, {
      // As a database that commits, and is gone before it says so.
      claim: async (ask: Parameters<Outbox['claim']>[0]) => {
        const claimed = await claim(ask);
        if (claimed.length === 0 || lost === 2) return claimed;
        lost += 1;
        throw Object.assign(new Error('connection terminated'), { code: 'unavailable' });
      },
      // It is away still, and then commits.
      recover: async (...args: Parameters<Outbox['recover']>) => {
        asked += 1;
        if (asked === 2) throw Object.assign(new Error('away'), { code: 'unavailable' });
        return asked === 3 ? false : recover(...args);
      },
    });
    const sink = scriptedSink();
    const { add } = start({ one: { sink } }, { outbox });
    await add(['one'], ['a', 'b']);
    await until(() => lost === 1);
    await add(['one'], ['c']);
    await until(() => memory.size === 0);
    expect(subjectsOf(sink)).toEqual(['a', 'b', 'c']);
    // The first time for what a process before this one left.
    expect(asked).toBe(5);
  });

  it('makes dead letters of what a sink had to deliver that is gone', async () => {
    const sink = scriptedSink(() => later());
    const { engine, add, outbox, lines } = start({ one: { sink, config: { retries: [60_000] } } });
    await add(['one'], ['a', 'b']);
    await until(() => sink.attempts.length === 2);
    engine.configure([]);
    await until(() => (outbox as MemoryOutbox).size === 0);
    await until(() => lines.join().includes('2 deliveries are dead letters'));
    expect(engine.state()).toEqual({});
  });

  it('drains what is due, leaves what is not, and cuts what hangs', async () => {
    const hangs = scriptedSink(() => new Promise<DeliveryResult>(() => undefined));
    const waits = scriptedSink(() => later(60_000));
    const fine = scriptedSink();
    const { engine, add, outbox } = start({
      hangs: { sink: hangs },
      waits: { sink: waits },
      fine: { sink: fine },
    });
    await add(['hangs', 'waits', 'fine'], ['a', 'b']);
    const began = performance.now();
    await engine.drain(200);
    expect(performance.now() - began).toBeLessThan(1500);
    expect(fine.attempts).toHaveLength(2);
    // Nothing is claimed any more, and what was cut is no attempt.
    const ask = { limit: { new: 9, retry: 9 }, by: 'me', nowMs: Date.now() + 120_000, untilMs: 0 };
    const left = await outbox.claim({ sink: 'hangs', ...ask });
    expect(left.map(({ attempts }) => attempts)).toEqual([0, 0]);
    expect((await outbox.claim({ sink: 'waits', ...ask })).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('loses no outcome while the store is away', async () => {
    const memory = createMemoryOutbox();
    let away = false;
    const guarded =
      (work: (...args: never[]) => Promise<unknown>) =>
      (...args: never[]) =>
        away ? Promise.reject(Object.assign(new Error('away'), { code: 'unavailable' })) : work(...args);
    const outbox = Object.fromEntries(
      Object.entries(Object.getOwnPropertyDescriptors(memory)).flatMap(([name, { value }]) =>
        typeof value === 'function' ? [[name, guarded(value as never)]] : [],
      ),
    ) as unknown as Outbox;
    const sink = scriptedSink(async () => {
      away = true;
      return { kind: 'delivered' };
    });
    const { engine, add } = start({ one: { sink } }, { outbox });
    await add(['one'], ['a']);
    await until(() => engine.state()['one']!.delivered === 1);
    await delay(50);
    expect(memory.size).toBe(1);
    away = false;
    await until(() => memory.size === 0);
    expect(sink.attempts).toHaveLength(1);
  });

  it('gives a sink of batches many at once, in order, also of one subject', async () => {
    const sink = scriptedSink(() => ({ kind: 'delivered' }), 10);
    const { add, outbox } = start({ one: { sink, config: { concurrency: 1 } } });
    await add(
      ['one'],
      Array.from({ length: 40 }, () => 'same'),
    );
    await until(() => (outbox as MemoryOutbox).size === 0);
    expect(sink.attempts.map(({ event }) => Number(event.sequence))).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
  });
});
