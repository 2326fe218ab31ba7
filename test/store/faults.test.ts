import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';
import { type Link, startLink } from './link.ts';
import { startStoreLoad } from './load.ts';

const CONTROL_MS = 1500;
const FAULT_MS = 4000;
/** From the network's return until all is as before: the longest pause between two tries is 5 s. */
const BACK_MS = 20_000;

let node: FakeUpstream;
let postgres: PostgresServer;
let link: Link;
let folder: string;
let gateway: StoreGateway | undefined;

beforeAll(async () => {
  node = await startFakeUpstream();
  postgres = await startPostgres();
});
afterEach(async () => {
  await gateway?.program.kill();
  await link.close();
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await postgres.stop();
  await node.close();
});

async function start(): Promise<StoreGateway> {
  folder = await mkdtemp(join(tmpdir(), 'polymorph-faults-'));
  link = await startLink(postgres.port);
  const url = new URL(await postgres.createDatabase());
  url.port = String(link.port);
  gateway = await startStoreGateway({ node: node.url, folder, store: url.href });
  return gateway;
}

interface Fault {
  name: string;
  begin(): void | Promise<void>;
  end(): void;
  /** Whether the store is away with it. */
  away: boolean;
}

const faults: Fault[] = [
  {
    name: '100 ms away each way',
    begin: () => void (link.delayMs = 100),
    end: () => void (link.delayMs = 0),
    away: false,
  },
  {
    name: '3 s away each way',
    begin: () => void (link.delayMs = 3000),
    end: () => void (link.delayMs = 0),
    away: true,
  },
  {
    name: 'behind a network that swallows all',
    begin: () => void (link.swallows = true),
    end() {
      link.swallows = false;
      // As a peer does that has forgotten the connection.
      link.reset();
    },
    away: true,
  },
  {
    name: 'behind a network that resets every connection',
    begin() {
      link.resets = true;
      link.reset();
    },
    end: () => void (link.resets = false),
    away: true,
  },
  {
    name: 'restarted',
    async begin() {
      await postgres.halt('fast');
      await postgres.start();
    },
    end() {},
    away: false,
  },
];

describe('PostgreSQL under load', () => {
  it.each(faults)('$name: no call fails or waits, and the ledger is whole afterwards', async (fault) => {
    const { createKey, knows, program, readiness, ledgerCalls } = await start();
    const { key, name } = await createKey({ name: 'mine' });
    await eventually(() => knows(name), 2000);
    const load = startStoreLoad(program.port, key, { connections: 4, pauseMs: 2 });
    await delay(CONTROL_MS);
    const control = load.p99Ms();
    const since = load.received;
    await fault.begin();
    if (fault.away) await eventually(async () => (await readiness()) === 'degraded', BACK_MS);
    await delay(FAULT_MS);
    if (fault.name.startsWith('100 ms')) expect(await readiness()).toBe('ready');
    const during = load.p99Ms(since);
    expect(load.received - since).toBeGreaterThan(100);
    fault.end();
    const tookMs = await eventually(async () => (await readiness()) === 'ready', BACK_MS);
    await load.stop();
    expect(load.others).toEqual({});
    // A machine that others work on, too, has its pauses; one statement that was waited for would be beyond.
    expect(during).toBeLessThan(Math.max(1000, 10 * control));
    await eventually(async () => (await ledgerCalls('mine')) === load.received, BACK_MS);
    console.log(
      `${fault.name}: ready again after ${Math.round(tookMs)} ms; p99 ${control.toFixed(1)} ms before, ${during.toFixed(1)} ms meanwhile, slowest ${Math.round(load.slowestMs)} ms`,
    );
  });

  it('connections that are reset again and again: what is applied is applied once', async () => {
    const { createKey, knows, program, readiness, ledgerCalls, operate } = await start();
    const { key, name } = await createKey({ name: 'mine' });
    await eventually(() => knows(name), 2000);
    const load = startStoreLoad(program.port, key, { connections: 4, pauseMs: 2 });
    // At any moment of a transaction, also between its commit and the answer to it.
    for (let k = 0; k < 60; k += 1) {
      await delay(Math.random() * 150);
      link.reset();
    }
    await load.stop();
    expect(load.others).toEqual({});
    await eventually(async () => (await readiness()) === 'ready', BACK_MS);
    await eventually(async () => (await ledgerCalls('mine')) === load.received, BACK_MS);
    expect(
      await operate('reconcile', { received: [{ key: 'mine', method: 'm', calls: load.received }] }),
    ).toMatchObject({
      ok: true,
    });
  });
});
