import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Range, Summary, Top } from '../../src/admin/index.ts';
import { type Gateway, startGateway } from '../../src/control/index.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { sendMixed } from './client.ts';

const calls = process.env['POLYMORPH_TEST_LONG'] === '1' ? 60_000 : 8000;
const key = 'cut-off-key-of-twenty-two-characters';
/** The most that waits at once in the load below: 12 calls, 4 batches of ten, 8 calls of each of two sockets. */
const turnMax = 12 + 4 * 10 + 2 * 8;
const kinds = [
  { key, method: 'plain' },
  { key: null, method: 'plain' },
  { key, method: 'scarce' },
];
/** A socket waits long for what a killed process does not say. */
const overHttp = [{ key, method: 'simple' }];
const settings = {
  ...quiet,
  admin: { listen: '127.0.0.1:0' },
  websocket: { max_refusals: 0 },
  limits: { default: 'none', methods: { scarce: { requests: 50, period: '24h' } } },
  keys: [{ name: 'acme', key }],
};
let node: FakeUpstream;

beforeAll(async () => void (node = await startFakeUpstream()));
afterAll(() => node.close());

async function get<T>(base: string, path: string): Promise<T> {
  return (await (await fetch(base + path)).json()) as T;
}

/** Of the ledger, once all of the journals is in it. */
async function ledger(base: string): Promise<Range['totals']> {
  for (let before = ''; ; await delay(600)) {
    const { totals } = await get<Range>(base, '/stats/summary?from=1h');
    const { usage } = await get<Summary>(base, '/stats/summary');
    if (usage?.lagBytes === 0 && JSON.stringify(totals) === before) return totals;
    before = JSON.stringify(totals);
  }
}

test('workers ended at any moment: figures are never behind the ledger, nor ahead by more than a turn each', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-'));
  const threads: Worker[] = [];
  const born = (thread: Worker) => void threads.push(thread);
  process.on('worker', born);
  let gateway: Gateway | undefined;
  try {
    gateway = await startGateway({
      source: {
        kind: 'value',
        name: 'test',
        directory: folder,
        value: {
          ...settings,
          server: { listen: '127.0.0.1:0', workers: 2, state_dir: folder },
          upstreams: [{ url: node.url }],
        },
      },
      ...{ env: {}, version: 'test', terminal: false, colour: false, watch: false },
      logOutput: { write() {} },
      timing: { backoff: { healthyMs: 0, firstDelayMs: 0, maxDelayMs: 0 } },
    });
    const base = gateway.adminUrl!;
    const state = { over: false };
    const load = sendMixed(gateway.address.port, calls, kinds).finally(() => (state.over = true));
    let deaths = 0;
    while (!state.over && deaths < 40) {
      await delay(100 + Math.random() * 50);
      const thread = threads.findLast(({ threadName }) => threadName === 'gateway-1');
      if (state.over || thread === undefined || thread.threadId < 0) continue;
      await thread.terminate();
      deaths++;
    }
    const tally = await load;
    expect(deaths).toBeGreaterThan(2);
    expect(tally.others).toEqual({});

    const kept = await ledger(base);
    const { totals } = await get<Summary>(base, '/stats/summary');
    const ahead = totals.allowed + totals.burst - totals.failed - kept.calls;
    expect(ahead).toBeGreaterThanOrEqual(0);
    expect(ahead).toBeLessThanOrEqual(deaths * turnMax);
    const refusedAhead = totals.exceeded - kept.refused;
    expect(refusedAhead).toBeGreaterThanOrEqual(0);
    expect(refusedAhead).toBeLessThanOrEqual(deaths * turnMax);
    // What a caller has an answer to is in both.
    expect(kept.calls).toBeGreaterThanOrEqual(tally.answered);
    expect(kept.calls + kept.refused).toBeLessThanOrEqual(tally.sent);
    // By method and by caller: one call of each death may be in the first alone.
    const { entries } = await get<Top>(base, '/stats/top?limit=100');
    const byCaller = entries.reduce((sum, { counts }) => sum + counts.calls, 0);
    expect(totals.calls - byCaller).toBeGreaterThanOrEqual(0);
    expect(totals.calls - byCaller).toBeLessThanOrEqual(deaths);
  } finally {
    process.off('worker', born);
    await gateway?.stop();
    await rm(folder, { recursive: true });
  }
});

test('a process that is killed: figures begin anew, the ledger has all that was answered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-'));
  const config = { ...settings, server: { workers: 2 }, upstreams: [{ url: node.url }] };
  try {
    const first = await startProgram({ config, folder });
    const load = sendMixed(first.port, 3000, overHttp);
    await delay(300);
    await first.kill();
    const { answered, sent } = await load;
    expect(answered).toBeGreaterThan(0);
    const second = await startProgram({ config, folder });
    try {
      const kept = await ledger(second.adminUrl);
      expect(kept.calls).toBeGreaterThanOrEqual(answered);
      expect(kept.calls + kept.refused).toBeLessThanOrEqual(sent);
      expect((await get<Summary>(second.adminUrl, '/stats/summary')).totals.calls).toBe(0);
    } finally {
      await second.kill();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
