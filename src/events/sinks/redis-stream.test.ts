import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { startRedis } from '../../../test/redis/server.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { createRedisStreamSink } from './redis-stream.ts';

describe('redis-stream', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  let reader: Redis;
  beforeAll(async () => {
    server = await startRedis();
    reader = new Redis(server.url);
    reader.on('error', () => undefined);
  }, 330_000);
  afterAll(async () => {
    reader.disconnect();
    await server[Symbol.asyncDispose]();
  });

  const create = (fields: object = {}) =>
    createRedisStreamSink(sinkConfig('redis-stream', { url: server.url, timeout: '500ms', ...fields }));
  const signal = () => AbortSignal.timeout(5000);
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      deliveryOf(exampleEvent('quota.exceeded', { id: `id-${index}` })),
    );
  const delivered = { kind: 'delivered' };

  it('is an entry for each event, in order, with what a reader needs to tell duplicates', async () => {
    const sink = create({ stream: 'in-order' });
    expect(await sink.deliver(many(250), signal())).toEqual(Array.from({ length: 250 }, () => delivered));
    const entries = await reader.xrange('in-order', '-', '+');
    expect(entries.map(([, [, id]]) => id)).toEqual(Array.from({ length: 250 }, (_, index) => `id-${index}`));
    const [, fields] = entries[7]!;
    expect(fields.filter((_, index) => index % 2 === 0)).toEqual(['id', 'type', 'event']);
    expect(fields[3]).toBe('quota.exceeded');
    expect(JSON.parse(fields[5]!)).toEqual(exampleEvent('quota.exceeded', { id: 'id-7' }));
    await sink.close();
  });

  it('keeps about as many as it is told', async () => {
    const sink = create({ stream: 'bounded', max_length: 100, batch: 1000 });
    expect(sink.batchMax).toBe(1000);
    await sink.deliver(many(1000), signal());
    // Redis cuts whole nodes, of a hundred entries unless it is told otherwise.
    expect(await reader.xlen('bounded')).toBeLessThanOrEqual(200);
    const all = create({ stream: 'unbounded', max_length: 0 });
    await all.deliver(many(1000), signal());
    expect(await reader.xlen('unbounded')).toBe(1000);
    await Promise.all([sink.close(), all.close()]);
  });

  it('what Redis refuses is told for each, and tried again', async () => {
    await reader.set('taken', 'a text');
    const sink = create({ stream: 'taken' });
    const [one, two] = await sink.deliver(many(2), signal());
    expect(one).toEqual({
      kind: 'retry',
      problem: expect.stringMatching(/^Redis: WRONGTYPE /) as string,
      retryAfterMs: null,
    });
    expect(two).toEqual(one);
    await reader.del('taken');
    expect(await sink.deliver(many(1), signal())).toEqual([delivered]);
    await sink.close();
  });

  it('while Redis is killed or stopped nothing hangs, and nothing waits in the client', async () => {
    const sink = create({ stream: 'faults' });
    expect(await sink.deliver(many(1), signal())).toEqual([delivered]);
    server.freeze();
    const frozen = await sink.deliver(many(2), signal());
    server.thaw();
    expect(frozen).toMatchObject([{ kind: 'retry' }, { kind: 'retry' }]);
    await server.kill();
    const gone = { kind: 'retry', problem: expect.stringMatching(/^Redis: /) as string };
    expect(await sink.deliver(many(1), signal())).toMatchObject([gone]);
    expect(await sink.deliver(many(1), signal())).toMatchObject([gone]);
    await server.start();
    await expect.poll(() => sink.deliver(many(1), signal()), { timeout: 5000 }).toEqual([delivered]);
    // What failed was not kept back to be sent now: the schedule sends it.
    expect(await reader.xlen('faults')).toBe(1);
    await sink.close();
  });

  it('ends with its signal', async () => {
    const sink = create({ stream: 'ended', timeout: '5m' });
    await sink.deliver(many(1), signal());
    server.freeze();
    const results = await sink.deliver(many(1), AbortSignal.timeout(50));
    server.thaw();
    expect(results).toEqual([{ kind: 'retry', problem: 'Redis: given up', retryAfterMs: null }]);
    await sink.close();
  });
});
