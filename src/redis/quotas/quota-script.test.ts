import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRedis } from '../../../test/redis/server.ts';
import { answerQuotaAsk, type QuotaAsk, type SharedQuota } from '../../limits/index.ts';
import { createQuotaStore } from './quota-store.ts';

let server: Awaited<ReturnType<typeof startRedis>>;
let redis: Redis;
let runs = 0;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

const base: QuotaAsk = {
  ...{ quota: '', instance: 'a/1', seq: 1, after: 0, spent: 0, known: 0, unspent: 0, want: 0, least: 0 },
  ...{ limit: 100, instances: 2, ledger: 'store', ledgerSum: 0, expiresAtMs: Date.now() + 3_600_000 },
};

/** What an instance does next, of what it holds. */
const step = fc.record({
  who: fc.integer({ min: 0, max: 3 }),
  use: fc.integer({ min: -3, max: 40 }),
  want: fc.integer({ min: 0, max: 30 }),
  least: fc.integer({ min: 1, max: 6 }),
  event: fc.constantFrom('ask', 'ask', 'ask', 'lost', 'leave', 'dies', 'flush', 'save', 'restore'),
  ledger: fc.integer({ min: 0, max: 60 }),
});

it('the script and the model answer alike, and no more than the limit is out and used while the record lasts', async () => {
  const longRun = process.env['POLYMORPH_TEST_LONG'] === '1';
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 200 }),
      fc.boolean(),
      async (steps, limit, sameLedger) => {
        const quota = `{q${(runs += 1)}}:quota:requests:1`;
        const store = createQuotaStore({ client: () => redis, prefix: 'pp:' });
        let model: SharedQuota | null = null;
        let lives = 0;
        const fresh = (at: number) => ({
          ...{ name: `i${at}/${(lives += 1)}`, seq: 0, known: 0, held: 0, spent: 0 },
          again: null as QuotaAsk | null,
        });
        const instances = [0, 1, 2, 3].map(fresh);
        let saved: { model: SharedQuota | null; dump: Buffer | null } = { model: null, dump: null };
        let flushed = false;
        let refunds = 0;
        for (const { who, use, want, least, event, ledger } of steps) {
          const one = instances[who]!;
          if (event === 'flush') {
            await redis.flushall();
            model = null;
            flushed = true;
            continue;
          }
          if (event === 'save')
            saved = { model: structuredClone(model), dump: await redis.dumpBuffer(`pp:${quota}`) };
          if (event === 'restore' && saved.dump !== null) {
            await redis.restore(`pp:${quota}`, 0, saved.dump, 'REPLACE');
            model = structuredClone(saved.model);
            flushed = true;
            continue;
          }
          if (event === 'dies') {
            instances[who] = fresh(who);
            continue;
          }
          const used = Math.min(use, one.held - one.spent);
          refunds += Math.max(0, -used);
          one.spent += used;
          one.known += used;
          const leave = event === 'leave';
          const unspent = leave ? 0 : Math.max(0, one.held - one.spent);
          const ask: QuotaAsk = one.again ?? {
            ...{ ...base, quota, instance: one.name, seq: one.seq + 1, after: one.seq, limit },
            ...{
              spent: one.spent,
              known: one.known,
              unspent,
              want: leave ? 0 : want,
              least: leave ? 0 : least,
            },
            ledger: sameLedger ? 'store' : `of-${who}`,
            ledgerSum: flushed ? 0 : Math.min(ledger, 5),
          };
          const [got] = await store.ask([ask]);
          const { quota: next, answer } = answerQuotaAsk(model, ask, Date.now());
          model = next;
          expect(got).toEqual(answer);
          if (event === 'lost') {
            one.again = ask;
            // What it used after the ask was made is of no concern here: it uses nothing until it is answered.
            continue;
          }
          const isRepeated = one.again !== null;
          one.again = null;
          one.seq = ask.seq;
          one.known = answer.used;
          one.held = ask.unspent + answer.granted;
          one.spent = 0;
          const out = [...model.out.values()].reduce((sum, each) => sum + each.units, 0);
          // A ledger may have said since what was used before an earlier grant.
          if (answer.granted > 0 && !isRepeated) expect(model.used + out).toBeLessThanOrEqual(limit);
          // What ledgers say beyond it was used long ago, and what was given back may be in them as well.
          if (!flushed) expect(model.used + out).toBeLessThanOrEqual(limit + 20 + refunds);
        }
      },
    ),
    { numRuns: longRun ? 3000 : 150 },
  );
});

it('counts once what was asked twice, also by an instance that the record is new to', async () => {
  const store = createQuotaStore({ client: () => redis, prefix: 'pp:' });
  const first = { ...base, quota: '{twice}:quota:requests:1', spent: 30, known: 30, want: 5, least: 1 };
  const [answer] = await store.ask([first]);
  expect(answer).toEqual({ granted: 5, used: 30, elsewhere: 0 });
  expect(await store.ask([first, first])).toEqual([answer, answer]);
});

it('goes on by what instances know where Redis was started again with a record of some time before', async () => {
  const store = createQuotaStore({ client: () => redis, prefix: 'pp:' });
  const quota = '{old}:quota:requests:1';
  const of = (instance: string, ask: Partial<QuotaAsk>): QuotaAsk => ({ ...base, quota, instance, ...ask });
  await store.ask([of('a/1', { want: 5, least: 1 }), of('b/1', { want: 5, least: 1 })]);
  const dump = await redis.dumpBuffer(`pp:${quota}`);
  await store.ask([of('a/1', { seq: 2, after: 1, spent: 40, known: 40 })]);
  await redis.restore(`pp:${quota}`, 0, dump, 'REPLACE');
  expect(await store.ask([of('a/1', { seq: 3, after: 2, spent: 2, known: 42 })])).toMatchObject([
    { used: 42 },
  ]);
  // Of this one nothing was lost.
  expect(await store.ask([of('b/1', { seq: 2, after: 1, spent: 3, known: 3 })])).toMatchObject([
    { used: 45 },
  ]);
});

it('keeps a record for as long as it was told, and answers a script that Redis does not know yet', async () => {
  await redis.script('FLUSH');
  const store = createQuotaStore({ client: () => redis, prefix: 'pp:' });
  const ask = { ...base, quota: '{kept}:quota:cost:3', want: 5, least: 1 };
  expect(await store.ask([ask])).toMatchObject([{ granted: 5, used: 0, elsewhere: 0 }]);
  const ttlMs = await redis.pttl('pp:{kept}:quota:cost:3');
  expect(ttlMs).toBeGreaterThan(3_500_000);
  expect(ttlMs).toBeLessThanOrEqual(3_600_000);
});

it('says nothing where Redis does not', async () => {
  const errors: unknown[] = [];
  const gone = new Redis({
    port: 1,
    lazyConnect: true,
    retryStrategy: () => null,
    enableOfflineQueue: false,
  });
  gone.on('error', () => {});
  const failed = (error: unknown) => void errors.push(error);
  const store = createQuotaStore({ client: () => gone, prefix: 'pp:', failed });
  expect(await store.ask([base])).toEqual([null]);
  expect(errors).toHaveLength(1);
  expect(await createQuotaStore({ client: () => null, prefix: 'pp:' }).ask([base, base])).toEqual([
    null,
    null,
  ]);
  gone.disconnect();
});
