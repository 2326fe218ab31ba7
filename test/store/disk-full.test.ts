import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';
import { startStoreLoad } from './load.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from './small-disk.ts';

const why = whyNoSmallDisk();
if (why !== null) console.warn(`a full disk is not tested here: ${why}`);

const configKey = 'disk-full-key-of-22-characters';
/** Until the room that a worker keeps for what is under way is used up: some thousands of calls. */
const FULL_MS = 60_000;
/** So many calls use up the room that is left to a full journal, also where 16 of them share a frame. */
const ENOUGH_CALLS = 30_000;
const BACK_MS = 10_000;

let node: FakeUpstream;
let postgres: PostgresServer;
let folder: string;
let gateway: StoreGateway | undefined;
const disks: SmallDisk[] = [];

beforeAll(async () => {
  if (why === null) postgres = await startPostgres();
});
beforeEach(async () => {
  node = await startFakeUpstream();
  folder = await mkdtemp(join(tmpdir(), 'polymorph-full-'));
});
afterEach(async () => {
  await gateway?.program.kill();
  gateway = undefined;
  for (const disk of disks.splice(0).toReversed()) disk.remove();
  await rm(folder, { recursive: true, force: true });
  await node.close();
});
afterAll(() => postgres?.stop());

function mount(at: string, size?: string): SmallDisk {
  const disk = mountSmallDisk(join(folder, at), size);
  disks.push(disk);
  return disk;
}

async function start({ store, usage = {} }: { store?: string; usage?: object }): Promise<StoreGateway> {
  gateway = await startStoreGateway({
    ...{ node: node.url, folder },
    ...(store !== undefined && { store }),
    config: {
      server: { workers: 1, drain_timeout: '5s' },
      keys: [{ name: 'acme', key: configKey }],
      usage,
    },
  });
  return gateway;
}

/** Calls whose names alone fill a journal. */
function startFilling({ program }: StoreGateway) {
  let number = 0;
  const method = () => `${'x'.repeat(200)}${(number += 1) % 900}`;
  return startStoreLoad(program.port, configKey, { connections: 16, method });
}

describe.skipIf(why !== null)('the disk of the journals is full', () => {
  it('refuse: 503 before anything is forwarded, and by itself back to service, with nothing lost', async () => {
    const disk = mount('.polymorph');
    const running = await start({ store: await postgres.createDatabase() });
    expect((await running.call(configKey)).status).toBe(200);
    disk.fill();
    const load = startFilling(running);
    await eventually(() => (load.others['503'] ?? 0) > 0, FULL_MS);
    await load.stop();
    expect(Object.keys(load.others)).toEqual(['503']);
    await eventually(
      () => running.program.output().includes('all calls are refused until there is room'),
      5000,
    );
    expect(await running.readiness()).toBe('degraded');
    expect(await running.check('usage')).toMatchObject({
      status: 'degraded',
      problem: expect.stringMatching(/ENOSPC.*: all calls are refused until there is room/),
    });

    node.forget();
    for (let k = 0; k < 20; k += 1) {
      const answer = await running.call(configKey);
      expect(answer.status).toBe(503);
      expect(Number(answer.headers['retry-after'])).toBe(1);
      expect(answer.json.error.data.docs).toContain('#unmetered');
    }
    expect(node.calls).toEqual([]);

    disk.free();
    await eventually(async () => (await running.call(configKey)).status === 200, BACK_MS);
    await running.program.waitFor('usage is written to the journals again');
    await eventually(async () => (await running.readiness()) === 'ready', BACK_MS);
    const answered = 2 + load.received;
    await eventually(async () => (await running.ledgerCalls('acme')) === answered, BACK_MS);
    expect(await running.operate('reconcile')).toMatchObject({ ok: true });
  });

  it('serve_unmetered: every call is answered, the log says so loudly, and what was lost is counted to the call', async () => {
    const disk = mount('.polymorph');
    const running = await start({
      store: await postgres.createDatabase(),
      usage: { when_full: 'serve_unmetered' },
    });
    disk.fill();
    const load = startFilling(running);
    await running.program.waitFor(/usage cannot be written to the journals/);
    expect([await running.readiness(), await running.check('usage')]).toMatchObject([
      'degraded',
      {
        status: 'degraded',
        problem: expect.stringMatching(/ENOSPC.*: calls are answered and their usage is lost/),
      },
    ]);
    // What is kept for what is under way holds for some thousand records yet.
    const before = load.received;
    await eventually(() => load.received - before > ENOUGH_CALLS, FULL_MS);
    disk.free();
    const line = await running.program.waitFor(/usage is written to the journals again/);
    expect(line).toMatchObject({ level: 'warn', event: 'journal.writable' });
    await delay(200);
    await load.stop();
    expect(load.others).toEqual({});
    expect(await running.check('usage')).toMatchObject({ lost: line['lost'] });
    await eventually(async () => (await running.readiness()) === 'ready', BACK_MS);
    expect(running.program.logs()).toContainEqual(
      expect.objectContaining({
        level: 'error',
        event: 'journal.full',
        msg: expect.stringContaining('their usage is lost (usage.when_full: serve_unmetered)'),
      }),
    );
    const lost = Number(line['lost']);
    expect(lost).toBeGreaterThan(0);
    await eventually(async () => (await running.ledgerCalls('acme')) === load.received - lost, BACK_MS);
    console.log(`received ${load.received}, of which lost ${lost}`);
  });

  it('a start on a full disk serves nobody, and all once there is room', async () => {
    const disk = mount('.polymorph');
    const store = await postgres.createDatabase();
    const first = await start({ store });
    expect((await first.call(configKey)).status).toBe(200);
    await first.program.kill();
    disk.fill();
    const second = await start({ store });
    node.forget();
    expect((await second.call(configKey)).status).toBe(503);
    expect(node.calls).toEqual([]);
    disk.free();
    await eventually(async () => (await second.call(configKey)).status === 200, BACK_MS);
    await eventually(async () => (await second.ledgerCalls('acme')) === 2, BACK_MS);
  });
});

it.skipIf(why !== null)(
  'the disk of SQLite is full while the journals have room: calls are served, and counted once there is room',
  async () => {
    const disk = mount('.polymorph', '3m');
    mount('.polymorph/journal', '64m');
    const running = await start({});
    expect((await running.call(configKey)).status).toBe(200);
    await eventually(async () => (await running.ledgerCalls('acme')) === 1, BACK_MS);
    disk.fill();
    const load = startFilling(running);
    await eventually(async () => (await running.readiness()) === 'degraded', FULL_MS);
    expect(await running.check('usage')).toMatchObject({
      status: 'degraded',
      problem: expect.stringMatching(/full/),
    });
    const before = load.received;
    await delay(1000);
    expect(load.received).toBeGreaterThan(before);
    disk.free();
    await eventually(async () => (await running.readiness()) === 'ready', 2 * BACK_MS);
    await load.stop();
    expect(load.others).toEqual({});
    await eventually(async () => (await running.ledgerCalls('acme')) === load.received + 1, BACK_MS);
    expect(await running.operate('reconcile')).toMatchObject({ ok: true });
  },
);
