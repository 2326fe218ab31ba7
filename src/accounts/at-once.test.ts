import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { hashKey } from '../identity/index.ts';
import type { Store, Tables } from '../store/index.ts';
import { type PostgresServer, startPostgres } from '../store/testing/postgres.ts';
import { runOperation } from './run-operation.ts';
import { startAccounts, type TestAccounts } from './testing/accounts.ts';

/** Two instances on one database, whose operations meet between what they read and what they write. */
let server: PostgresServer;
let one: TestAccounts;
let other: TestAccounts;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  const url = await server.createDatabase();
  one = await startAccounts(undefined, url);
  other = await startAccounts(undefined, url);
  await one.run('plans.put', { name: 'pro', currency: 'EUR' });
  await one.run('users.create', { email: 'ada@example.com' });
  await one.run('users.create', { email: 'bob@example.com' });
});
afterEach(async () => {
  await one?.end();
  await other?.end();
});

type Question = Parameters<TestAccounts['run']>;

/** Runs both so that neither writes before the other has read. */
async function atOnce(...questions: readonly Question[]) {
  let left = questions.length;
  const { promise: allHaveRead, resolve } = Promise.withResolvers<void>();
  const answers = questions.map(async ([name, input], nth) => {
    const accounts = nth % 2 === 0 ? one : other;
    let arrived = false;
    const arrive = () => {
      if (!arrived && --left === 0) resolve();
      arrived = true;
    };
    const store: Store = {
      ...accounts.store,
      transaction: (work) =>
        accounts.store.transaction((tables) =>
          work(
            beforeWrites(tables, async () => {
              arrive();
              await allHaveRead;
            }),
          ),
        ),
    };
    try {
      return (await runOperation({ ...accounts, store }, name, input)) as Record<string, unknown>;
    } finally {
      // One that refuses writes nothing.
      arrive();
    }
  });
  return Promise.allSettled(answers);
}

const writes = new Set(['insert', 'update', 'setOverrides', 'put', 'delete']);

function beforeWrites(tables: Tables, meet: () => Promise<void>): Tables {
  const watched = <T extends object>(table: T): T =>
    Object.fromEntries(
      Object.entries(table).map(([name, run]) => [
        name,
        !writes.has(name)
          ? run
          : async (...values: unknown[]) => {
              await meet();
              return (run as (...values: unknown[]) => unknown)(...values);
            },
      ]),
    ) as T;
  const { users, keys, plans } = tables;
  return { ...tables, users: watched(users), keys: watched(keys), plans: watched(plans) };
}

const kinds = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? 'done' : (result.reason as { code: string }).code,
  );
const ada = { user: 'ada@example.com' };
const limit = { requests: 5, periodMs: 60_000, burstSize: 0 };

test('of two rotations both printed keys work: the second one’s, and the first one’s as long as its grace', async () => {
  const { id } = await one.run('keys.create', { ...ada, name: 'acme' });
  const results = await atOnce(['keys.rotate', { key: 'acme' }], ['keys.rotate', { key: 'acme' }]);
  expect(kinds(results)).toEqual(['done', 'done']);
  const printed = results.map((result) => (result.status === 'fulfilled' ? String(result.value['key']) : ''));
  const row = await one.store.keys.get(id);
  const hashes = printed.map((key) => Buffer.from(hashKey(key)).toString('hex'));
  expect(new Set([row?.sha256, row?.previousSha256])).toEqual(new Set(hashes));
});

test('two changes of a plan are both there', async () => {
  const results = await atOnce(
    ['plans.put', { name: 'pro', price: 7 }],
    ['plans.put', { name: 'pro', quota: { unit: 'cost', limit: 9, period: 'day' } }],
  );
  expect(kinds(results)).toEqual(['done', 'done']);
  expect(await one.run('plans.show', { name: 'pro' })).toMatchObject({ price: '7', quota: { limit: 9 } });
});

test('limits of different methods are both there', async () => {
  await one.run('keys.create', { ...ada, name: 'acme', overrides: [{ ...limit, method: '*' }] });
  const results = await atOnce(
    ['keys.limits', { key: 'acme', set: [{ ...limit, method: 'eth_call' }] }],
    ['keys.limits', { key: 'acme', set: [{ ...limit, method: 'eth_getLogs' }] }],
  );
  expect(kinds(results)).toEqual(['done', 'done']);
  const { overrides } = await one.run('keys.show', { key: 'acme' });
  expect(overrides.map(({ method }) => method).toSorted()).toEqual(['*', 'eth_call', 'eth_getLogs']);
});

test('nobody is on a plan that was deleted', async () => {
  const results = await atOnce(['plans.delete', { name: 'pro' }], ['users.update', { ...ada, tier: 'pro' }]);
  expect(kinds(results).filter((kind) => kind === 'done')).toHaveLength(1);
  const there = (await one.run('plans.list', {})).plans.length;
  const { tier } = await one.run('users.show', ada);
  expect([there, tier]).toEqual(tier === 'pro' ? [1, 'pro'] : [0, 'free']);
});

test('a user who was deleted has no key', async () => {
  const results = await atOnce(['users.delete', ada], ['keys.create', { ...ada, name: 'late' }]);
  // A key that came first was deleted with its user.
  expect(kinds(results)[0]).toBe('done');
  expect((await one.run('keys.list', {})).keys).toEqual([]);
});

test('a user has one key of a name', async () => {
  const create: Question = ['keys.create', { ...ada, name: 'acme' }];
  expect(kinds(await atOnce(create, create)).toSorted()).toEqual(['conflict', 'done']);
  expect((await one.run('keys.list', {})).keys).toHaveLength(1);
});

test('two changes of a user are both there', async () => {
  const results = await atOnce(
    ['users.update', { ...ada, name: 'Ada L.' }],
    ['users.update', { ...ada, tier: 'pro' }],
  );
  expect(kinds(results)).toEqual(['done', 'done']);
  expect(await one.run('users.show', ada)).toMatchObject({ name: 'Ada L.', tier: 'pro' });
});

test('of two who take one e-mail the second is told whose it is', async () => {
  const email = 'eve@example.com';
  const results = await atOnce(
    ['users.update', { ...ada, email }],
    ['users.update', { user: 'bob@example.com', email: 'Eve@example.com' }],
  );
  expect(kinds(results).toSorted()).toEqual(['conflict', 'done']);
  const refused = results.find((result) => result.status === 'rejected');
  expect(String(refused?.reason)).toMatch(/There is a user eve@example.com already/i);
});
