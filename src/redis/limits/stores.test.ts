import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../../../test/redis/server.ts';
import type { RedisServer } from '../../../test/redis/server.ts';
import { bucketShape } from '../../limits/index.ts';
import type { BucketShape, LeaseAsk } from '../../limits/index.ts';
import { createExactStore } from './exact-store.ts';
import { createLeaseStore } from './lease-store.ts';

let server: RedisServer;
let client: Redis;
let failures: string[];
let successes: number;
let open: boolean;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.[Symbol.asyncDispose]());

beforeEach(async () => {
  client = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  await client.connect();
  await client.flushall();
  await client.config('RESETSTAT');
  failures = [];
  successes = 0;
  open = false;
});
afterEach(() => client.disconnect());

const options = (timeoutMs = 2000) => ({
  client,
  timeoutMs,
  prefix: 'pp:',
  guard: {
    isOpen: () => open,
    succeeded: () => (successes += 1),
    failed: (error: unknown) => failures.push((error as Error).message),
  },
});

/** So slow that nothing refills while a test runs. */
const slow = (tokens: number): BucketShape =>
  bucketShape({ requests: tokens, periodMs: 86_400_000, burst: 0 })!;

async function calls(command: string): Promise<number> {
  const info = await client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
}

describe('exact takes', () => {
  const bucket = (owner: string, tokens: number, scope = 's') => ({
    bucket: `{${owner}}:${scope}`,
    shape: slow(tokens),
  });

  test('of one turn are one call of the script, and exactly what there is passes', async () => {
    const store = createExactStore(options());
    await store.take([bucket('a', 30)], 0);
    await client.config('RESETSTAT');
    const chains = ['a', 'b', 'c'].map((owner) => [bucket(owner, 30), bucket(owner, 7, 'burst')]);
    const readings = await Promise.all(Array.from({ length: 90 }, (_, i) => store.take(chains[i % 3]!, 1)));
    expect(readings.filter((reading) => reading!.refused === 0)).toHaveLength(21);
    expect(readings[89]).toMatchObject({
      refused: 0b10,
      before: [23, 0].map((n, i) => n * chains[2]![i]!.shape.tokenUnits),
    });
    expect(await calls('evalsha')).toBe(1);
    expect(await calls('get')).toBe(0);
  });

  test('two threads never pass the limit together', async () => {
    const [a, b] = [createExactStore(options()), createExactStore(options())];
    let passed = 0;
    for (let round = 0; round < 20; round++) {
      const readings = await Promise.all(
        [a, b].flatMap((store) => [1, 2, 3].map((n) => store.take([bucket('a', 50)], n))),
      );
      readings.forEach((reading, i) => (passed += reading!.refused === 0 ? (i % 3) + 1 : 0));
    }
    expect(passed).toBe(50);
  });

  test('take by the clock of Redis', async () => {
    const store = createExactStore(options());
    const quick = [{ bucket: '{a}:s', shape: bucketShape({ requests: 10, periodMs: 1000, burst: 0 })! }];
    expect(await store.take(quick, 10)).toMatchObject({ refused: 0 });
    const { retryAfterMs } = (await store.take(quick, 2))!;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(200);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 2));
    expect(await store.take(quick, 2)).toMatchObject({ refused: 0 });
  });

  test('go on when Redis has forgotten the script', async () => {
    const store = createExactStore(options());
    await store.take([bucket('a', 3)], 1);
    await client.script('FLUSH');
    const readings = await Promise.all([1, 1, 1].map((cost) => store.take([bucket('a', 3)], cost)));
    expect(readings.map((reading) => reading!.refused)).toEqual([0, 0, 1]);
    expect(failures).toEqual([]);
  });

  test('are not answered while Redis is silent, and are again after it', async () => {
    const store = createExactStore(options(50));
    await store.take([bucket('a', 10)], 1);
    server.freeze();
    const before = performance.now();
    expect(await Promise.all([1, 2].map((cost) => store.take([bucket('a', 10)], cost)))).toEqual([
      null,
      null,
    ]);
    expect(performance.now() - before).toBeGreaterThan(45);
    expect(failures).toEqual(['Command timed out']);
    server.thaw();
    await expect.poll(() => store.take([bucket('a', 10)], 0)).not.toBeNull();
    // They came in late and took what they asked for: as lost answers do.
    const { before: left } = (await store.take([bucket('a', 10)], 0))!;
    expect(Math.floor(left[0]! / slow(10).tokenUnits)).toBe(6);
  });

  test('are answered null at once where nothing listens, and nothing waits for its return', async () => {
    const store = createExactStore(options());
    await server.kill();
    try {
      expect(await store.take([bucket('a', 10)], 1)).toBeNull();
      expect(await store.take([bucket('a', 10)], 1)).toBeNull();
      expect(failures.length).toBe(2);
    } finally {
      await server.start();
    }
    await expect
      .poll(async () => (await store.take([bucket('a', 10)], 1))?.before)
      .toEqual([10 * slow(10).tokenUnits]);
  });

  test('are answered null by a replica that may not write', async () => {
    const store = createExactStore(options());
    await client.replicaof('127.0.0.1', 1);
    try {
      expect(await store.take([bucket('a', 10)], 1)).toBeNull();
      expect(failures[0]).toContain('READONLY');
    } finally {
      await client.replicaof('NO', 'ONE');
    }
    expect(await store.take([bucket('a', 10)], 1)).not.toBeNull();
  });

  test('are not sent while the guard is open', async () => {
    open = true;
    expect(await createExactStore(options()).take([bucket('a', 10)], 1)).toBeNull();
    open = false;
    expect(await calls('evalsha')).toBe(0);
  });

  test('of no bucket pass', async () => {
    expect(await createExactStore(options()).take([], 1)).toMatchObject({ refused: 0, before: [] });
  });
});

describe('asks for leases', () => {
  const shape = slow(1000);
  const tokens = (count: number): number => count * shape.tokenUnits;
  const ask = (bucket: string, seq: number, more: Partial<LeaseAsk>): LeaseAsk => {
    return {
      bucket: `{${bucket}}:s`,
      shape,
      seq,
      unspent: 0,
      want: 0,
      least: 0,
      ttlMs: 5000,
      leave: false,
      ...more,
    };
  };

  test('are answered in order, a hundred in one call of the script', async () => {
    const store = createLeaseStore({ ...options(), holder: 'a' });
    await store.ask([ask('warm', 1, {})]);
    await client.config('RESETSTAT');
    const asks = Array.from({ length: 100 }, (_, i) => ask(`x${i}`, 1, { want: tokens(i) }));
    const answers = await store.ask(asks);
    expect(answers.map((answer) => answer!.granted)).toEqual(asks.map(({ want }) => want));
    expect(await calls('evalsha')).toBe(1);
    const more = await store.ask(Array.from({ length: 250 }, (_, i) => ask(`y${i}`, 1, { want: tokens(i) })));
    expect(more[249]).toMatchObject({ granted: tokens(249), rest: tokens(751) });
    expect(await calls('evalsha')).toBe(4);
  });

  test('never hand out more than there is, whoever asks, and come back after their end', async () => {
    const stores = ['a', 'b', 'c'].map((holder) => createLeaseStore({ ...options(), holder }));
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        stores[i % 3]!.ask([ask('x', 1 + i, { want: tokens(70), ttlMs: 300 })]),
      ),
    );
    const granted = answers.reduce((sum, [answer]) => sum + answer!.granted, 0);
    expect(granted).toBeGreaterThanOrEqual(tokens(1000));
    // What was reported as spent is not out any more, and refills a little.
    expect(granted).toBeLessThanOrEqual(tokens(1001));
  });

  test('a lease of a holder that died ends by itself, and the bucket refills', async () => {
    const quick = bucketShape({ requests: 1000, periodMs: 100, burst: 0 })!;
    const of = (seq: number, more: Partial<LeaseAsk>) => [
      ask('x', seq, { shape: quick, ttlMs: 200, ...more }),
    ];
    const dead = createLeaseStore({ ...options(), holder: 'dead' });
    await dead.ask(of(1, { want: 1000 * quick.tokenUnits }));
    const other = createLeaseStore({ ...options(), holder: 'other' });
    const [first] = await other.ask(of(1, { want: quick.tokenUnits }));
    expect(first).toMatchObject({ granted: 0, rest: 0 });
    expect(first!.waitMs).toBeGreaterThan(50);
    expect(first!.waitMs).toBeLessThanOrEqual(202);
    await new Promise((resolve) => setTimeout(resolve, first!.waitMs + 110));
    const [then] = await other.ask(of(2, { want: 500 * quick.tokenUnits }));
    expect(then!.granted).toBe(500 * quick.tokenUnits);
  });

  test('a repeated one is granted once', async () => {
    const store = createLeaseStore({ ...options(), holder: 'a' });
    const asked = ask('x', 1, { want: tokens(100) });
    const [first, again] = [await store.ask([asked]), await store.ask([asked])];
    expect(again).toEqual(first);
    expect(again[0]!.rest).toBe(tokens(900));
  });

  test('are all null where Redis is silent', async () => {
    const store = createLeaseStore({ ...options(50), holder: 'a' });
    server.freeze();
    expect(await store.ask([ask('x', 1, {}), ask('y', 1, {})])).toEqual([null, null]);
    server.thaw();
  });

  test('a bucket that Redis has lost is full', async () => {
    const store = createLeaseStore({ ...options(), holder: 'a' });
    await store.ask([ask('x', 1, { want: tokens(1000) })]);
    await client.flushall();
    expect(await store.ask([ask('x', 2, { unspent: tokens(500), want: tokens(1) })])).toMatchObject([
      { granted: tokens(1), rest: tokens(999) },
    ]);
  });

  test('a name of a holder has 255 bytes at most', () => {
    expect(() => createLeaseStore({ ...options(), holder: 'ü'.repeat(128) })).toThrow('255 bytes');
  });
});
