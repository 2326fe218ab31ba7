import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../open-store.ts';
import type { KeyChange, Store } from '../store.ts';
import { type PostgresServer, runSql, startPostgres } from '../testing/postgres.ts';
import { user } from '../testing/subject.ts';
import { batch, row } from '../testing/usage-samples.ts';
import { retried } from './retry.ts';

let server: PostgresServer;
let url: string;
let store: Store;
beforeAll(async () => {
  server = await startPostgres({ durable: true });
  url = await server.createDatabase();
  store = await openStore({ kind: 'postgres', url });
});
afterAll(async () => {
  await store?.close();
  await server?.stop();
});

const unavailable = (because: string) => ({
  name: 'StoreError',
  code: 'unavailable',
  message: expect.stringContaining(because),
});
const fine = () => vi.waitFor(() => store.ping(), { timeout: 10_000, interval: 20 });

describe('a PostgreSQL that', () => {
  it('is shut down says so, and is used again when it is back, with all that was applied', async () => {
    const [keyId, lost] = [randomUUID(), batch({ rows: [row()] })];
    await store.apply(batch({ rows: [row({ keyId })] }));
    await server.halt();
    await expect(store.apply(lost)).rejects.toMatchObject(unavailable('cannot be'));
    await expect(store.ping()).rejects.toMatchObject(unavailable('ECONNREFUSED'));
    await expect(openStore({ kind: 'postgres', url })).rejects.toMatchObject(unavailable('ECONNREFUSED'));
    await server.start();
    await fine();
    expect(await store.usage({ keyIds: [keyId] }, [])).toMatchObject([{ calls: 1 }]);
    expect(await store.apply(lost), 'it was not applied in part').toBe(true);
  });

  it('is killed at any moment has what it said yes to, once', async () => {
    const keyId = randomUUID();
    const applied: string[] = [];
    const asked: string[] = [];
    const state = { killed: false };
    const worker = async () => {
      while (!state.killed) {
        const { segment } = batch();
        asked.push(segment);
        if (await store.apply(batch({ segment, rows: [row({ keyId })] })).catch(() => false))
          applied.push(segment);
      }
    };
    const workers = [worker(), worker(), worker()];
    await vi.waitFor(() => expect(applied.length).toBeGreaterThan(20), { timeout: 10_000 });
    await server.halt('crash');
    state.killed = true;
    await Promise.all(workers);
    await server.start();
    await fine();
    const kept = await store.segments(asked);
    for (const segment of applied) expect(kept.has(segment)).toBe(true);
    expect(await store.usage({ keyIds: [keyId] }, [])).toMatchObject([{ calls: kept.size }]);
    for (const segment of asked) await store.apply(batch({ segment, rows: [row({ keyId })] }));
    expect(await store.usage({ keyIds: [keyId] }, [])).toMatchObject([{ calls: asked.length }]);
  });

  it('commits a claim whose asker is gone has it set free all the same', async () => {
    const [id, sink] = [randomUUID(), `sink-${randomUUID().slice(0, 8)}`];
    const { outbox } = store;
    await outbox.add([
      {
        ...{ id, type: 'ip.banned', subject: 's', severity: 'warning', atMs: Date.now() },
        ...{ keyId: null, userId: null, event: '{}', sinks: [sink] },
      },
    ]);
    // As `claim` does it, with all the time in the world.
    const lock = 0x6f757462;
    const client = new pg.Client({ connectionString: url });
    onTestFinished(() => client.end());
    await client.connect();
    await client.query(
      `begin; select pg_advisory_xact_lock(${lock}, hashtext('${sink}'));
       update outbox_deliveries set claimed_by = 'one', claimed_until = now() + interval '1 minute' where sink = '${sink}'`,
    );
    // What it will commit is not to be seen yet.
    expect(await outbox.recover('one', { sink, known: [] })).toBe(false);
    await client.query('commit');
    expect(await outbox.recover('one', { sink, known: [] })).toBe(true);
    const nowMs = Date.now();
    const ask = { sink, by: 'two', nowMs, untilMs: nowMs + 1000, limit: { new: 1, retry: 1 } };
    expect(await outbox.claim(ask)).toHaveLength(1);
  });

  it('ends our connections costs the call at most, and the next goes on', async () => {
    await store.ping();
    await runSql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'polymorph-proxy'`,
    );
    await fine();
    await store.ping();
  });

  it('is read-only is unavailable, and is asked again with new connections', async () => {
    await runSql(url, `alter system set default_transaction_read_only = on`);
    await runSql(url, 'select pg_reload_conf()');
    await vi.waitFor(() => expect(store.ping()).rejects.toMatchObject(unavailable('read-only')), 5_000);
    await expect(store.users.insert(user())).rejects.toMatchObject(unavailable('read-only'));
    await expect(store.apply(batch({ rows: [row()] }))).rejects.toMatchObject(unavailable('read-only'));
    const writing = `${url}?options=-c%20default_transaction_read_only%3Doff`;
    await runSql(writing, 'alter system reset default_transaction_read_only');
    await runSql(url, 'select pg_reload_conf()');
    await fine();
  });

  it('does not answer keeps nobody waiting for ever, and goes on once it does', async () => {
    await store.ping();
    server.freeze();
    const began = Date.now();
    const asked = [store.ping(), store.users.list({ limit: 1 }), store.apply(batch({ rows: [row()] }))];
    const opening = openFrozen();
    for (const answer of await Promise.allSettled(asked))
      expect(answer).toMatchObject({ status: 'rejected', reason: unavailable('') });
    expect(Date.now() - began).toBeLessThan(20_000);
    const frozen = await opening;
    server.thaw();
    await fine();
    expect(frozen).toMatchObject(unavailable(''));
  });

  it('does not answer does not keep the store from closing', async () => {
    const closing = await openStore({ kind: 'postgres', url });
    closing.watchKeys(() => {});
    await closing.ping();
    server.freeze();
    const began = Date.now();
    await closing.close();
    server.thaw();
    expect(Date.now() - began).toBeLessThan(4_000);
  });

  it('closes each connection at once, or is nothing at all, is unavailable', async () => {
    const rude = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => rude.once('listening', resolve));
    const { port } = rude.address() as { port: number };
    const attempt = openStore({ kind: 'postgres', url: `postgres://user:canary@127.0.0.1:${port}/x` });
    await expect(attempt).rejects.toMatchObject(unavailable('cannot be reached'));
    rude.close();
  });

  it('refuses us does not have our password in what is said of it', async () => {
    const attempt = openStore({ kind: 'postgres', url: url.replace('postgres@', 'nobody:canary@') });
    const error: unknown = await attempt.catch((error: unknown) => error);
    expect(error).toMatchObject(unavailable('does not let us in'));
    expect((error as Error).message).not.toContain('canary');
    const missing = openStore({ kind: 'postgres', url: url.replace(/\w+$/, 'no_such_database') });
    await expect(missing).rejects.toMatchObject(unavailable('no_such_database'));
  });
});

describe('a listener', () => {
  it('comes back by itself after a restart, and asks for all to be read', async () => {
    const changes: KeyChange[] = [];
    const end = store.watchKeys((change) => changes.push(change));
    await vi.waitFor(() => expect(changes).toEqual(['all']), 5_000);
    const other = await openStore({ kind: 'postgres', url });
    const keyId = randomUUID();
    await other.announce({ keyId });
    await vi.waitFor(() => expect(changes).toEqual(['all', { keyId }]), 1_000);

    await server.halt('crash');
    await server.start();
    await vi.waitFor(() => expect(changes).toEqual(['all', { keyId }, 'all']), 5_000);
    await vi.waitFor(() => other.announce({ keyId }), 5_000);
    await vi.waitFor(() => expect(changes.at(-1)).toEqual({ keyId }), 1_000);
    end();
    await other.close();
  });
});

describe('transactions that lock each other', () => {
  it('are run again, and all succeed', async () => {
    const [one, two] = [user(), user()];
    await store.users.insert(one);
    await store.users.insert(two);
    let runs = 0;
    const rename = (first: string, second: string) =>
      store.transaction(async ({ users }) => {
        runs++;
        await users.update(first, { name: 'x' });
        await new Promise((resolve) => setTimeout(resolve, 50));
        await users.update(second, { name: 'x' });
      });
    await Promise.all([rename(one.id, two.id), rename(two.id, one.id)]);
    expect(runs, 'one of them was a deadlock').toBeGreaterThan(2);
  });

  it('are not run for ever, and other failures not at all', async () => {
    let runs = 0;
    const deadlock = Object.assign(new Error('deadlock detected'), { severity: 'ERROR', code: '40P01' });
    const always = retried(async () => {
      runs++;
      throw deadlock;
    });
    await expect(always).rejects.toBe(deadlock);
    expect(runs).toBe(10);
    runs = 0;
    const once = retried(async () => {
      runs++;
      throw new Error('no');
    });
    await expect(once).rejects.toThrow('no');
    expect(runs).toBe(1);
  });
});

async function openFrozen(): Promise<unknown> {
  return openStore({ kind: 'postgres', url }).catch((error: unknown) => error);
}
