import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import type { Program } from '../program.ts';
import { type SharedLoad, sharedKey, startInstance, startSharedLoad, stopInstances } from './instances.ts';
import { type RedisServer, startRedis } from './server.ts';

const LIMIT = 1000;
/** 90/5/5: one call a connection and pause. */
const UNEVEN = [18, 1, 1];
const PAUSE_MS = 20;
/** An instance is told of the others each second. */
const SETTLE_MS = 1500;
/** An instance holds at most twice the fiftieth of the quota that is its part. */
const HELD_MAX = Math.ceil((2 * LIMIT) / (50 * 3));

let node: FakeUpstream;
let redis: RedisServer;
let programs: Program[] = [];
let folders: string[] = [];
let load: SharedLoad | undefined;

beforeAll(async () => {
  node = await startFakeUpstream();
});
beforeEach(async () => {
  redis = await startRedis();
  folders = await Promise.all([0, 1, 2].map(() => mkdtemp(join(tmpdir(), 'polymorph-quotas-'))));
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await stopInstances(programs);
  programs = [];
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  redis.thaw();
  await redis.kill();
});
afterAll(() => node.close());

const keys = [{ name: 'shared', key: sharedKey, quota: { requests: LIMIT, period: 'day' } }];

function startOne(index: number, store: string): Promise<Program> {
  return startInstance(
    {
      ...{ node: node.url, redis: redis.url, limits: {} },
      more: { keys, store },
      folder: (which) => folders[which]!,
    },
    index,
  );
}

async function start(store = 'none'): Promise<void> {
  programs = await Promise.all([0, 1, 2].map((index) => startOne(index, store)));
  await sleep(SETTLE_MS);
}

/** Until none has passed for so long. */
async function untilUsedUp(quietMs = 4500): Promise<number> {
  for (let last = -1, since = performance.now(); ; await sleep(50)) {
    const passed = load!.passed();
    if (passed !== last) [last, since] = [passed, performance.now()];
    else if (performance.now() - since > quietMs) return passed;
  }
}

async function untilPassed(count: number): Promise<void> {
  while (load!.passed() < count) await sleep(5);
}

async function refusalOf({ port }: Program): Promise<{ status: number; data: Record<string, unknown> }> {
  const { status, json } = await send(port, { headers: { 'x-api-key': sharedKey }, body: callText('m') });
  return { status, data: json?.error?.data ?? {} };
}

describe.each(['none', 'sqlite'])('a quota of three instances, store: %s', (store) => {
  it('is used exactly, however the calls are spread, and each says how much all have used', async () => {
    await start(store);
    load = startSharedLoad(programs, UNEVEN, PAUSE_MS);
    expect(await untilUsedUp()).toBe(LIMIT);
    expect(load.bad()).toEqual({});
    for (const program of programs) {
      const { status, data } = await refusalOf(program);
      expect([status, data['used']]).toEqual([402, LIMIT]);
    }
  });
});
