import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../../src/control/index.ts';
import type { Doom } from '../behaviour/mortal-worker.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type LogLine, type Program, startProgram } from '../program.ts';
import { sharedKey, stopInstances } from './instances.ts';
import { freePorts } from './ports.ts';
import { type RedisServer, startRedis } from './server.ts';

/** What `/readyz` tells of Redis. */
interface RedisCheck {
  name: string;
  status: string;
  problem: string | null;
  instance: string;
  members: string[];
  since: string;
}

const within5s = { timeout: 5000, interval: 50 };
const exact = { default: { requests: 100, period: '1s', consistency: 'exact' } };
const sinks = [{ name: 'out', type: 'stdout', events: ['redis.*'] }];

let node: FakeUpstream;
let servers: RedisServer[] = [];
let programs: Program[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
});
afterEach(async () => {
  await stopInstances(programs);
  for (const server of servers) await server[Symbol.asyncDispose]();
  programs = [];
  servers = [];
});
afterAll(() => node.close());

async function redisServer(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

const configOf = (redis: unknown, more: object = {}) => ({
  server: { workers: 1, drain_timeout: '5s' },
  upstreams: [{ url: node.url }],
  store: 'none',
  keys: [{ name: 'shared', key: sharedKey }],
  ...{ redis, limits: exact, events: { sinks }, ...more },
});

async function instance(redis: unknown): Promise<Program> {
  return instanceOf(await mkdtemp(join(tmpdir(), 'polymorph-test-')), redis);
}

async function instanceOf(folder: string, redis: unknown, more?: object): Promise<Program> {
  const program = await startProgram({ folder, config: configOf(redis, more) });
  programs.push(program);
  return program;
}

async function readiness({
  adminUrl,
}: Program): Promise<{ http: number; status: string; redis: RedisCheck }> {
  const answer = await fetch(`${adminUrl}/readyz`);
  const { status, checks } = (await answer.json()) as { status: string; checks: RedisCheck[] };
  return { http: answer.status, status, redis: checks.find(({ name }) => name === 'redis')! };
}
const statusOf = async (program: Program) => (await readiness(program)).status;

async function metric({ adminUrl }: Program, name: string): Promise<number> {
  const page = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(
    page
      .split('\n')
      .find((line) => line.startsWith(`${name} `))!
      .slice(name.length + 1),
  );
}

/** Events that came out of the sink. */
function told(program: Program, type: string): { subject: string; data: Record<string, unknown> }[] {
  return program
    .logs()
    .filter((line: LogLine) => line['specversion'] === '1.0' && line['type'] === type)
    .map((line) => line as never);
}

async function call({ url }: Program): Promise<{ status: number; tookMs: number }> {
  const began = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': sharedKey },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}',
  });
  await answer.arrayBuffer();
  return { status: answer.status, tookMs: performance.now() - began };
}

describe('an instance whose Redis', () => {
  const faults = [
    [
      'is killed and starts again',
      async (server: RedisServer) => server.kill(),
      async (server: RedisServer) => server.start(),
    ],
    [
      'is stopped as by SIGSTOP',
      async (server: RedisServer) => server.freeze(),
      async (server: RedisServer) => server.thaw(),
    ],
  ] as const;

  it.each(faults)('%s says so, and within five seconds that it is back', async (_name, fault, mend) => {
    const server = await redisServer();
    const program = await instance(server.url);
    // On a crowded machine it may join a moment later.
    await expect.poll(() => statusOf(program), within5s).toBe('ready');
    expect(await readiness(program)).toMatchObject({
      ...{ http: 200, status: 'ready' },
      redis: { status: 'up', problem: null, members: [expect.any(String)] },
    });
    // The first call of all, and no share decided it.
    expect((await call(program)).status).toBe(200);
    expect(await metric(program, 'polymorph_limit_exact_decisions_total{result="taken"}')).toBe(1);
    expect(await metric(program, 'polymorph_redis_up')).toBe(1);
    expect(await metric(program, 'polymorph_redis_instances')).toBe(1);
    await expect
      .poll(() => metric(program, 'polymorph_redis_worker_commands_total{result="answered"}'), within5s)
      .toBeGreaterThan(1);

    await fault(server);
    await expect.poll(() => statusOf(program), within5s).toBe('degraded');
    const away = await readiness(program);
    expect(away.http).toBe(200);
    expect(away.redis.problem).not.toBeNull();
    expect(Date.now() - Date.parse(away.redis.since)).toBeLessThan(6000);
    expect(await metric(program, 'polymorph_redis_up')).toBe(0);
    expect((await call(program)).status).toBe(200);
    await expect.poll(() => told(program, 'redis.down').length, within5s).toBe(1);

    await mend(server);
    await expect.poll(() => statusOf(program), within5s).toBe('ready');
    expect(await metric(program, 'polymorph_redis_up')).toBe(1);
    expect(await metric(program, 'polymorph_redis_losses_total')).toBe(1);
    await expect.poll(() => metric(program, 'polymorph_redis_worker_connections_away'), within5s).toBe(0);
    await expect.poll(() => told(program, 'redis.up').length, within5s).toBe(1);
    const [down, up] = [told(program, 'redis.down')[0]!, told(program, 'redis.up')[0]!];
    expect(down.subject).toBe(`redis:${away.redis.instance}`);
    expect(up).toMatchObject({ subject: down.subject, data: { losses: 1, downMs: expect.any(Number) } });
    expect(program.logs().filter(({ msg }) => /^Redis is (away|back)/.test(msg))).toHaveLength(2);
  });

  it('is not there yet starts within the time of a connection, serves, and joins later', async () => {
    const [port] = (await freePorts(1)) as [number];
    const began = performance.now();
    const program = await instance({ url: `redis://127.0.0.1:${port}`, connect_timeout: '1s' });
    // Of it a second is Redis's; this machine may be crowded.
    expect(performance.now() - began).toBeLessThan(11_000);
    expect(await readiness(program)).toMatchObject({
      status: 'degraded',
      redis: { problem: `connect ECONNREFUSED 127.0.0.1:${port}` },
    });
    expect((await call(program)).status).toBe(200);
    await expect.poll(() => told(program, 'redis.down').length, within5s).toBe(1);

    await redisServer({ port });
    await expect.poll(() => statusOf(program), within5s).toBe('ready');
    const other = await instance(`redis://127.0.0.1:${port}`);
    for (const one of [program, other])
      await expect.poll(async () => (await readiness(one)).redis.members.length, within5s).toBe(2);
  });

  it('was away when the instance died is told to be back by the next run', async () => {
    const server = await redisServer();
    const folder = await mkdtemp(join(tmpdir(), 'polymorph-test-'));
    const program = await instanceOf(folder, server.url, { store: 'sqlite' });
    await server.kill();
    await expect.poll(() => told(program, 'redis.down').length, within5s).toBe(1);
    program.signal('SIGKILL');
    await program.exited;
    await server.start();
    const again = await instanceOf(folder, server.url, { store: 'sqlite' });
    await expect.poll(() => told(again, 'redis.up').length, { timeout: 10_000, interval: 50 }).toBe(1);
    const [up] = told(again, 'redis.up');
    expect(up!.subject).toBe(told(program, 'redis.down')[0]!.subject);
    expect(told(again, 'redis.down').length).toBe(0);
  });

  it('is another in a new config is that of the old one until a restart, and the reload says so', async () => {
    const [server, other] = [await redisServer(), await redisServer()];
    const program = await instance(server.url);
    await program.reload(configOf(other.url));
    await program.waitFor(
      /waits for a restart: redis is another one \(single\): it is connected to at start/,
    );
    expect((await readiness(program)).redis.status).toBe('up');
    expect(await clients(other)).toBe(0);
  });

  it('refuses its password says why, and serves', async () => {
    const server = await redisServer({ password: 'right-password' });
    const program = await instance({ url: `redis://127.0.0.1:${server.port}`, password: 'wrong-password' });
    const { http, status, redis } = await readiness(program);
    expect([http, status]).toEqual([200, 'degraded']);
    expect(redis.problem).toMatch(/^WRONGPASS/);
    await program.waitFor(/Redis is away: WRONGPASS/);
    expect((await call(program)).status).toBe(200);
    expect(program.output()).not.toContain('wrong-password');
  });
});

describe('an instance', () => {
  it('has the same id after a restart, counts once after a kill, and leaves no connection behind', async () => {
    const server = await redisServer();
    const first = await instance(server.url);
    const second = await instance(server.url);
    const { folder } = second;
    const members = async (program: Program) => (await readiness(program)).redis.members;
    await expect.poll(async () => (await members(first)).length, within5s).toBe(2);
    const id = (await readiness(second)).redis.instance;
    second.signal('SIGKILL');
    await second.exited;
    const again = await instanceOf(folder, server.url);
    expect((await readiness(again)).redis.instance).toBe(id);
    expect((await members(again)).toSorted()).toEqual((await members(first)).toSorted());
    expect(await members(first)).toHaveLength(2);

    expect(await clients(server)).toBeGreaterThanOrEqual(4);
    again.signal('SIGTERM');
    expect(await again.exited).toMatchObject({ code: 0 });
    first.signal('SIGTERM');
    expect(await first.exited).toMatchObject({ code: 0 });
    expect(await clients(server)).toBe(0);
  });

  it('whose state folder was copied from one that lives is noticed, and counts for itself', async () => {
    const server = await redisServer();
    const first = await instance(server.url);
    const folder = await mkdtemp(`${first.folder}-copy-`);
    await cp(first.folder, folder, { recursive: true });
    const copy = await instanceOf(folder, server.url);
    for (const program of [first, copy]) {
      await program.waitFor(/another instance has the same id/);
      expect((await readiness(program)).redis).toMatchObject({
        status: 'degraded',
        problem: expect.stringContaining('same id'),
      });
    }
    expect((await readiness(first)).redis.members).toHaveLength(2);
  });

  it('whose worker died connects anew, and keeps no connection of the dead one', async () => {
    const server = await redisServer();
    const gateway = await startGateway({
      source: {
        ...{ kind: 'value', name: 'test', directory: '/' },
        value: {
          ...configOf(server.url),
          server: { listen: '127.0.0.1:0', workers: 1, state_dir: 'none' },
          admin: { listen: '127.0.0.1:0' },
        },
      },
      ...{ env: {}, version: 'test', terminal: false, colour: false, watch: false },
      logOutput: { write: () => undefined },
      workerUrl: new URL('../behaviour/mortal-worker.ts', import.meta.url),
    });
    const channel = new BroadcastChannel('polymorph-test-doom');
    try {
      expect(await clients(server)).toBe(2);
      const ids = await clientIds(server);
      channel.postMessage({ slot: 0, vice: 'throw' } satisfies Doom);
      await expect
        .poll(async () => (await clientIds(server)).filter((id) => !ids.includes(id)).length, within5s)
        .toBe(1);
      await expect.poll(() => clients(server), within5s).toBe(2);
    } finally {
      channel.close();
      await gateway.stop();
    }
    await expect.poll(() => clients(server), within5s).toBe(0);
  });
});

/** Ids of connections of instances that a Redis has. */
async function clientIds(server: RedisServer): Promise<string[]> {
  const list = String(await server.call('CLIENT', 'LIST'));
  const ours = list.split('\n').filter((line) => line.includes('name=polymorph'));
  return ours.map((line) => /^id=(\d+)/.exec(line)![1]!);
}
const clients = async (server: RedisServer) => (await clientIds(server)).length;
