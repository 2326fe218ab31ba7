import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { mainFile, ownEnvironment } from '../program.ts';
import { createCounts } from './counts.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';
import { type Books, countJournals, countLedger, judge } from './judge.ts';
import { createMixedClient, type LoadKey, type MixedClient } from './mixed-load.ts';
import { doubleRow, dropFrame } from './spoil.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
/** Fifty in the long run, over both stores; else as many as fit. */
const ROUNDS = long ? 25 : 5;
const FURTHER_UNTIL_MS = long ? 0 : 12_000;
const configKey = { name: 'acme', key: 'killed-key-of-22-characters' };
const LIMIT = 150;

let node: FakeUpstream;
let postgres: PostgresServer;
const folders: string[] = [];
const gateways: StoreGateway[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
beforeEach(async () => {
  node = await startFakeUpstream({ answer: ({ params }) => `"result":${JSON.stringify(params[1])}` });
});
afterEach(async () => {
  for (const { program } of gateways.splice(0)) await program.kill();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  await node.close();
});
afterAll(() => postgres.stop());

/** A gateway that is killed and started again on what it left, its client, and all their books. */
async function createScene(kind: 'sqlite' | 'postgres') {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-killed-'));
  folders.push(folder);
  const store = kind === 'postgres' ? await postgres.createDatabase() : undefined;
  const client = createMixedClient();
  const asked = createCounts();
  const numbers = new Set<unknown>();
  const names = new Map<string, string>();
  let askedTwice = 0;

  /** Takes down what the node was asked, once nobody can ask it any more. */
  function readNode(): void {
    for (const { method, params } of node.calls) {
      asked.add(String(params[0]), method);
      if (numbers.has(params[1])) askedTwice += 1;
      numbers.add(params[1]);
    }
    node.forget();
  }

  const scene = {
    ...{ folder, store, client },
    gateway: undefined as unknown as StoreGateway,
    async start(group = false): Promise<void> {
      scene.gateway = await startStoreGateway({
        node: node.url,
        folder,
        group,
        ...(store !== undefined && { store }),
        config: { keys: [configKey] },
      });
      gateways.push(scene.gateway);
    },
    async kill(): Promise<void> {
      await scene.gateway.program.kill();
      await eventually(() => node.open === 0, 5000);
    },
    async createKey(input: { name: string; quota?: object }): Promise<LoadKey> {
      const made = await scene.gateway.createKey(input);
      names.set(made.id, made.name);
      await eventually(() => scene.gateway.knows(made.name), 2000);
      return { name: made.name, key: made.key };
    },
    call: (key: LoadKey) => client.call(scene.gateway.program.port, key),
    async books(): Promise<Books> {
      readNode();
      if (!names.has(configKey.name))
        names.set((await scene.gateway.operate('keys.show', { key: configKey.name }))['id'], configKey.name);
      const { sent, received, refused } = client;
      const journals = countJournals(join(folder, '.polymorph', 'journal'), names);
      return {
        ...{ sent, received, refused, node: asked },
        ...journals,
        ...(await countLedger(scene.gateway)),
      };
    },
    /** The books as they stand, and the product's own judgement of them. */
    async verdict(): Promise<string[]> {
      const wrong = judge(await scene.books());
      if (askedTwice > 0) wrong.push(`${askedTwice} calls were asked twice`);
      const reconciled = await scene.gateway.operate('reconcile', outsideOf(client));
      if (reconciled['ok'] !== true) wrong.push(JSON.stringify(reconciled));
      if (Object.keys(client.others).length > 0) wrong.push(JSON.stringify(client.others));
      return wrong;
    },
  };
  await scene.start();
  return scene;
}

function outsideOf({ received, sent }: MixedClient) {
  return { received: received.list(), sent: sent.list() };
}

type Scene = Awaited<ReturnType<typeof createScene>>;

async function reconcileByCommand({ folder, client, gateway }: Scene) {
  const { received, sent } = outsideOf(client);
  await writeFile(join(folder, 'received.json'), JSON.stringify(received));
  await writeFile(join(folder, 'sent.json'), JSON.stringify(sent));
  const files = ['--received', 'received.json', '--sent', 'sent.json'];
  const args = [mainFile, 'reconcile', '--config', gateway.program.configFile, ...files];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: ownEnvironment(),
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, said: stdout + stderr };
}

describe.each(['sqlite', 'postgres'] as const)('kill -9 under load, with %s', (kind) => {
  it('round after round: received ≤ journal = ledger ≤ sent by key and method, and quotas go on where they were', async () => {
    const began = performance.now();
    const scene = await createScene(kind);
    const { client } = scene;
    const keys: LoadKey[] = [configKey];
    for (const name of ['first', 'second', 'third']) keys.push(await scene.createKey({ name }));
    let rounds = 0;
    let refusedAtOnce = 0;
    for (; rounds < ROUNDS || performance.now() - began < FURTHER_UNTIL_MS; rounds += 1) {
      const limited = await scene.createKey({
        name: `limited-${rounds}`,
        quota: { unit: 'requests', limit: LIMIT, period: 'month' },
      });
      const load = client.start(scene.gateway.program.port, [...keys, { ...limited, pauseMs: 30 }]);
      const aliveMs = 30 + Math.random() * 1000;
      await delay(aliveMs);
      await scene.kill();
      await load.stop();
      await scene.start(rounds % 2 === 0);
      expect(await scene.verdict(), `round ${rounds}, killed after ${aliveMs} ms`).toEqual([]);
      // What was under way at the kill is in the ledger or was never used.
      const { ledger } = await scene.books();
      const left = LIMIT - ledger.total(limited.name);
      if (left === 0) refusedAtOnce += 1;
      const statuses: number[] = [];
      for (let k = 0; k < left + 2; k += 1) statuses.push(await scene.call(limited));
      expect(statuses).toEqual([...Array.from({ length: left }, () => 200), 402, 402]);
    }
    await eventually(async () => (await scene.verdict()).length === 0, 5000);
    const command = await reconcileByCommand(scene);
    expect(command).toMatchObject({ status: 0, said: expect.stringContaining('All adds up.') });
    const books = await scene.books();
    const under = client.sent.total() - client.received.total() - client.refused.total();
    console.log(
      `${kind}: ${rounds} kills in ${Math.round((performance.now() - began) / 1000)} s; sent ${client.sent.total()}, received ${client.received.total()}, journal = ledger ${books.ledger.total()}, asked of the node ${books.node.total()}, without an answer ${under}, quota used up before the kill in ${refusedAtOnce} rounds`,
    );
    expect(client.received.total()).toBeGreaterThan(50 * rounds);
  });

  it('negative control: a row doubled, a frame lost, an answer not counted are each found', async () => {
    const scene = await createScene(kind);
    const { client, folder, store } = scene;
    const key = await scene.createKey({ name: 'first' });
    const load = client.start(scene.gateway.program.port, [key]);
    await delay(300);
    await scene.kill();
    await load.stop();
    await scene.start();
    expect(await scene.verdict()).toEqual([]);

    // An answer that the journals have only just counted, and one more.
    const books = await scene.books();
    const received = books.received.copy();
    received.add('first', 'one', 1 + books.journal.get('first', 'one') - received.get('first', 'one'));
    expect(judge({ ...books, received })).toContainEqual(
      expect.stringContaining('an answer is in no journal'),
    );

    const undo = await doubleRow(store ?? join(folder, '.polymorph', 'polymorph.db'), 'two');
    expect(judge(await scene.books())).toContainEqual(
      expect.stringContaining('first two: journal and ledger differ'),
    );
    expect(await scene.verdict()).toContainEqual(
      expect.stringContaining('the ledger has more than the journals'),
    );
    expect(await reconcileByCommand(scene)).toMatchObject({ status: 1 });
    await undo();
    expect(await scene.verdict()).toEqual([]);

    await dropFrame(join(folder, '.polymorph', 'journal'));
    expect(judge(await scene.books())).toContainEqual(expect.stringContaining('journal and ledger differ'));
    expect(await reconcileByCommand(scene)).toMatchObject({ status: 1 });
  });
});
