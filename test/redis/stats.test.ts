import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Identity, type Methods, statsSchemas, type Summary, type Top } from '../../src/admin/index.ts';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { mainFile, ownEnvironment, type Program } from '../program.ts';
import { eventually } from '../store/gateway.ts';
import { sharedKey, startInstances, stopInstances } from './instances.ts';
import { type RedisServer, startRedis } from './server.ts';

let node: FakeUpstream;
let redis: RedisServer;
let programs: Program[] = [];

beforeAll(async () => {
  [node, redis] = await Promise.all([startFakeUpstream(), startRedis()]);
  programs = await startInstances({
    ...{ node: node.url, redis: redis.url },
    limits: { default: 'none' },
    more: { store: 'sqlite', methods: { groups: { mine: ['m', 'other'] } } },
  });
});
afterAll(async () => {
  await stopInstances(programs);
  await redis[Symbol.asyncDispose]();
  await node.close();
});

async function ask<T>(program: Program, path: string): Promise<T> {
  const answer = await fetch(`${program.adminUrl}/stats/${path}`);
  const body = (await answer.json()) as T;
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body;
}

const call = async (program: Program, method: string, key: string | null = sharedKey) => {
  const headers: Record<string, string> = key === null ? {} : { 'x-api-key': key };
  expect((await send(program.port, { headers, body: callText(method) })).status).toBe(200);
};

it('any of three instances says what all have counted, and how old it is', async () => {
  const sent = [7, 11, 13];
  for (const [at, program] of programs.entries()) {
    for (let count = 0; count < sent[at]!; count++) await call(program, 'm');
    for (let count = 0; count <= at; count++) await call(program, 'other', null);
  }
  for (const [at, program] of programs.entries()) {
    await eventually(async () => (await ask<Summary>(program, 'summary')).totals.calls === 37, 10_000);
    const all = statsSchemas.summary.parse(await ask<Summary>(program, 'summary'));
    expect(all.totals).toMatchObject({ calls: 37, allowed: 37 });
    expect(all.latency.proxy.count).toBe(37);
    expect(all.latency.total.count).toBe(37);
    expect(all.upstreams[0]).toMatchObject({ calls: 37, latency: { count: 37 } });
    expect(all.scope).toMatchObject({ of: 'cluster', missing: 0, redis: 'here' });
    expect(all.scope.instances).toHaveLength(3);
    expect(all.scope.instances[0]!.ageSeconds).toBe(0);
    expect(all.scope.oldestSeconds).toBeLessThan(4);

    const { methods, scope } = await ask<Methods>(program, 'methods');
    expect(methods.map(({ method, calls, latency }) => [method, calls, latency.total.count])).toEqual([
      ['m', 31, 31],
      ['other', 6, 6],
    ]);
    expect(scope.of).toBe('cluster');

    const top = statsSchemas.top.parse(await ask<Top>(program, 'top'));
    expect(
      top.entries.map(({ kind, counts, missedCallsMax }) => [kind, counts.calls, missedCallsMax]),
    ).toEqual([
      ['key', 31, 0],
      ['address', 6, 0],
    ]);
    expect([top.keys, top.addresses.listed]).toEqual([1, 1]);
    expect((await ask<Identity>(program, 'identity/shared')).counts.calls).toBe(31);
    expect((await ask<Identity>(program, 'identity/127.0.0.1')).counts.calls).toBe(6);

    const own = await ask<Summary>(program, 'summary?scope=instance');
    expect(own.totals.calls).toBe(sent[at]! + at + 1);
    expect(own.scope).toMatchObject({ of: 'instance', oldestSeconds: 0, redis: 'here' });
    expect((await ask<Identity>(program, 'identity/shared?scope=instance')).counts.calls).toBe(sent[at]);
  }
});

it('the ledger is the instance’s own with SQLite, and says so', async () => {
  await eventually(
    async () =>
      (await ask<{ totals: { calls: number } }>(programs[0]!, 'summary?from=1h')).totals.calls === 8,
    10_000,
  );
  const range = statsSchemas.range.parse(await ask(programs[0]!, 'summary?from=1h&scope=cluster'));
  expect(range.scope).toBe('instance');
  const wrong = await fetch(`${programs[0]!.adminUrl}/stats/summary?scope=all`);
  expect(wrong.status).toBe(400);
});

it('polymorph top shows all or one', async () => {
  const top = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [mainFile, 'top', '--admin', programs[1]!.adminUrl, '--interval', '200ms', ...args],
      { env: ownEnvironment() },
    );
    return stdout;
  };
  expect(await top('--once')).toContain('instances 3');
  expect(await top('--once', '--scope', 'instance')).toContain('this instance alone');
  expect(JSON.parse(await top('--json')).scope).toMatchObject({ of: 'cluster', redis: 'here' });
});

it('an instance that dies takes its figures along, and Redis those of the others', async () => {
  await programs[2]!.kill();
  await eventually(async () => (await ask<Summary>(programs[0]!, 'summary')).totals.calls === 21, 15_000);
  expect((await ask<Summary>(programs[0]!, 'summary')).scope).toMatchObject({ missing: 0, redis: 'here' });

  await redis.kill();
  await eventually(async () => (await ask<Summary>(programs[0]!, 'summary')).scope.redis === 'away', 5000);
  const alone = await ask<Summary>(programs[0]!, 'summary');
  expect(alone.totals.calls).toBe(8);
  expect(alone.scope).toMatchObject({ of: 'cluster', oldestSeconds: 0 });
  expect(alone.scope.instances).toHaveLength(1);

  await redis.start();
  await eventually(async () => (await ask<Summary>(programs[0]!, 'summary')).totals.calls === 21, 5000);
});
