import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../../src/control/index.ts';
import { callText, send, type TestAnswer } from '../../src/gateway/testing/client.ts';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { startLoad, workerOf } from './load.ts';
import type { Doom } from './mortal-worker.ts';

const key = 'mortal-key-of-twenty-two-characters';
let node: FakeUpstream;
let gateway: Gateway;
let lines: string[] = [];
const channel = new BroadcastChannel('polymorph-test-doom');

beforeAll(async () => {
  node = await startFakeUpstream();
  gateway = await startGateway({
    source: {
      kind: 'value',
      name: 'test',
      directory: '/',
      value: {
        server: { listen: '127.0.0.1:0', workers: 2, state_dir: 'none' },
        admin: { listen: '127.0.0.1:0' },
        upstreams: [{ url: node.url }],
        limits: { default: 'none', methods: { counted: bucketOf(1000) } },
        keys: [{ name: 'acme', key, quota: { requests: 1000, period: 'month' } }],
        explain: { sample: 1 },
      },
    },
    env: {},
    version: 'test',
    terminal: false,
    colour: false,
    watch: false,
    logOutput: { write: (line) => void lines.push(line) },
    workerUrl: new URL('./mortal-worker.ts', import.meta.url),
  });
});
afterAll(async () => {
  channel.close();
  await gateway.stop();
  await node.close();
});

const call = (method: string): Promise<TestAnswer> =>
  send(gateway.address.port, { headers: { 'x-api-key': key }, body: callText(method) });

const left = (answer: TestAnswer): number =>
  Number(/;r=(\d+)/.exec(String(answer.headers['ratelimit']))?.[1]);

async function readiness(): Promise<{ status: string; restarts: number; up: number }> {
  const body = (await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as {
    status: string;
    checks: { name: string; up: number; restarts: number }[];
  };
  const workers = body.checks.find(({ name }) => name === 'workers')!;
  return { status: body.status, restarts: workers.restarts, up: workers.up };
}

describe('a worker that', () => {
  it.each([
    ['throw', /died: it threw: told to die/],
    ['exit', /died: it exited with code 3/],
    ['loop', /died: it stopped ticking/],
  ] as const)(
    '%ss is replaced; buckets and quotas go on, and the other worker does not notice',
    async (vice, why) => {
      lines = [];
      const before = await readiness();
      const counted = left(await call('counted'));
      // Connections of the worker that lives: each is asked first who serves it.
      const load = startLoad(gateway.address.port, { connections: 8 });
      channel.postMessage({ slot: 1, vice } satisfies Doom);
      const end = performance.now() + 10_000;
      let now = await readiness();
      while ((now.restarts === before.restarts || now.up < 2) && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        now = await readiness();
      }
      expect(now).toEqual({ status: 'ready', up: 2, restarts: before.restarts + 1 });
      expect(lines.join('')).toMatch(why);
      const { statuses, dropped } = await load.stop();
      expect(Object.keys(statuses)).toEqual(['200']);
      // Only what was under way on the worker that died; no connection is refused.
      expect(dropped.filter((error) => error.includes('ECONNREFUSED'))).toEqual([]);
      expect(dropped.length).toBeLessThanOrEqual(16);
      for (const error of dropped) expect(error).toMatch(/ECONNRESET|socket hang up/);

      // Both workers count on where all left off.
      const seen = new Set<string>();
      let calls = 0;
      while (seen.size < 2 && calls < 200) {
        const answer = await call('counted');
        calls++;
        seen.add(workerOf(answer));
        expect(left(answer)).toBe(counted - calls);
      }
      expect(seen).toEqual(new Set(['0', '1']));
    },
  );
});
