import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Methods, Range, Summary, Top } from '../../src/admin/index.ts';
import { type Gateway, startGateway } from '../../src/control/index.ts';
import type { Doom } from '../behaviour/mortal-worker.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { quiet } from '../quiet.ts';
import { sendMixed, type Tally } from './client.ts';
import { sumOf } from './metrics-page.ts';

const calls = process.env['POLYMORPH_TEST_LONG'] === '1' ? 100_000 : 20_000;
const keys = {
  plain: 'plain-key-of-twenty-two-characters',
  limited: 'limited-key-of-twenty-two-characters',
  poor: 'poor-key-of-twenty-two-characters',
};
const channel = new BroadcastChannel('polymorph-test-doom');
let folder: string;
let node: FakeUpstream;
let gateway: Gateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polymorph-'));
  node = await startFakeUpstream({
    vice: {
      request(x) {
        const failing = x.body.includes('"bad"');
        const id = /"id":(\d+)/.exec(x.body)?.[1];
        const error = `{"jsonrpc":"2.0","id":${id},"error":{"code":3,"message":"no"}}`;
        x.send(x.http(failing ? error : x.answer));
      },
    },
  });
  gateway = await startGateway({
    source: {
      kind: 'value',
      name: 'test',
      directory: folder,
      value: {
        ...quiet,
        server: { listen: '127.0.0.1:0', workers: 2, state_dir: folder },
        admin: { listen: '127.0.0.1:0' },
        upstreams: [{ url: node.url }],
        websocket: { max_refusals: 0 },
        methods: { blocked: ['forbidden'], costs: { dear: 7 } },
        limits: { default: 'none', methods: { scarce: { requests: 100, period: '24h' } } },
        keys: [
          { name: 'plain', key: keys.plain },
          {
            name: 'limited',
            key: keys.limited,
            limits: { default: { requests: 300, period: '24h', burst_size: 200 } },
          },
          { name: 'poor', key: keys.poor, quota: { requests: 50, period: 'month' } },
        ],
      },
    },
    env: {},
    version: 'test',
    terminal: false,
    colour: false,
    watch: false,
    logOutput: { write() {} },
    workerUrl: new URL('../behaviour/mortal-worker.ts', import.meta.url),
  });
});
afterAll(async () => {
  channel.close();
  await gateway.stop();
  await node.close();
  await rm(folder, { recursive: true });
});

const kinds = [
  { key: keys.plain, method: 'plain' },
  { key: null, method: 'plain' },
  { key: keys.plain, method: 'dear' },
  { key: keys.plain, method: 'bad' },
  { key: null, method: 'forbidden' },
  { key: keys.limited, method: 'plain' },
  { key: keys.plain, method: 'scarce' },
  { key: keys.poor, method: 'dear' },
  { key: 'unknown-key-of-twenty-two-characters', method: 'plain' },
];

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${gateway.adminUrl}${path}`)).json()) as T;
}

const text = async () => (await fetch(`${gateway.adminUrl}/metrics`)).text();

/** Of the ledger, once all of the journals is in it. */
async function ledger(path: string): Promise<Range> {
  for (let before = ''; ; await delay(1_100)) {
    const range = await get<Range>(`${path}${path.includes('?') ? '&' : '?'}from=1h`);
    const { usage } = await get<Summary>('/stats/summary');
    if (usage?.lagBytes === 0 && JSON.stringify(range.totals) === before) return range;
    before = JSON.stringify(range.totals);
  }
}

/** Figures fall short of, or go beyond, what came back by no more than what was lost on its way. */
function within(figure: number, received: number, lost: number): void {
  expect(figure).toBeGreaterThanOrEqual(received);
  expect(figure).toBeLessThanOrEqual(received + lost);
}

function assertTally({ totals }: Summary, tally: Tally): void {
  const { lost } = tally;
  expect(tally.others).toEqual({});
  within(totals.calls, tally.sent - lost, lost);
  within(totals.allowed + totals.burst, tally.answered + tally.errors, lost);
  for (const name of ['exceeded', 'blocked', 'quota', 'unauthorized', 'errors'] as const)
    within(totals[name], tally[name], lost);
}

test('stats, metrics, ledger and the caller’s own counts agree, a worker having died in between', async () => {
  const load = sendMixed(gateway.address.port, calls, kinds);
  for (const vice of ['throw', 'exit'] as const) {
    await delay(1_000);
    channel.postMessage({ slot: 1, vice } satisfies Doom);
  }
  const tally = await load;
  const usage = await ledger('/stats/summary');
  const summary = await get<Summary>('/stats/summary');
  const { totals } = summary;
  expect(summary.workers[1]!.restarts).toBe(2);
  // What was under way at the deaths, and no more.
  expect(tally.lost).toBeLessThan(500);
  assertTally(summary, tally);
  expect(tally.exceeded * tally.blocked * tally.quota * tally.unauthorized * tally.errors).toBeGreaterThan(0);

  // The ledger, exactly: also of what was lost on its way to the caller.
  expect(usage.totals).toMatchObject({
    calls: totals.allowed + totals.burst - totals.failed,
    refused: totals.exceeded + totals.quota,
    cost: totals.cost,
    errors: totals.errors,
    bytesIn: totals.bytesIn,
    bytesOut: totals.bytesOut,
  });

  // Metrics, exactly.
  const page = await text();
  for (const outcome of ['allowed', 'burst', 'exceeded', 'blocked', 'quota', 'unauthorized'] as const)
    expect(sumOf(page, 'polymorph_requests_total', { outcome })).toBe(totals[outcome]);
  expect(sumOf(page, 'polymorph_requests_total')).toBe(totals.calls);
  expect(sumOf(page, 'polymorph_cost_units_total')).toBe(totals.cost);
  expect(sumOf(page, 'polymorph_rate_limited_total')).toBe(totals.exceeded);
  expect(sumOf(page, 'polymorph_burst_used_total')).toBe(totals.burst);
  expect(sumOf(page, 'polymorph_request_duration_seconds_count')).toBe(usage.totals.calls);
  expect(sumOf(page, 'polymorph_worker_restarts_total')).toBe(2);

  // By method and by caller the parts are those of the ledger.
  const { methods } = await get<Methods>('/stats/methods');
  const byMethod = await ledger('/stats/methods');
  for (const line of byMethod.lines) {
    // `plain`, `bad` and the like are no names of the config.
    if (line.method !== 'dear' && line.method !== 'scarce') continue;
    const { allowed, burst, failed, exceeded, quota, cost } = methods.find(
      ({ method }) => method === line.method,
    )!;
    expect([allowed + burst - failed, exceeded + quota, cost]).toEqual([line.calls, line.refused, line.cost]);
  }
  const byKey = await ledger('/stats/top');
  const top = await get<Top>('/stats/top?limit=100');
  expect(top.entries.reduce((sum, { counts }) => sum + counts.calls, 0)).toBe(totals.calls);
  for (const line of byKey.lines.filter(({ key }) => key!.prefix !== '')) {
    const { counts, name } = top.entries.find(({ id }) => id === line.key!.id)!;
    expect(name).toBe(line.key!.name);
    const { allowed, burst, failed, exceeded, quota, cost, bytesOut } = counts;
    expect([allowed + burst - failed, exceeded + quota, cost, bytesOut]).toEqual([
      line.calls,
      line.refused,
      line.cost,
      line.bytesOut,
    ]);
  }
});
