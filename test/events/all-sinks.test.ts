import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFaultyReceiver } from '../../src/events/testing/faulty-receiver.ts';
import { startRedis } from '../redis/server.ts';
import { startFakeUpstream } from '../fakes/upstream.ts';
import { startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

let node: Awaited<ReturnType<typeof startFakeUpstream>>;
let redis: Awaited<ReturnType<typeof startRedis>>;
let mails: Awaited<ReturnType<typeof startFaultyReceiver>>;
let folder: string;
beforeAll(async () => {
  node = await startFakeUpstream();
  redis = await startRedis();
  // The first attempt fails.
  mails = await startFaultyReceiver({ status: 503 }, { status: 200 });
  folder = await mkdtemp(join(tmpdir(), 'polymorph-sinks-'));
}, 330_000);
afterAll(async () => {
  await node.close();
  await redis[Symbol.asyncDispose]();
  await mails[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

it('one event reaches a stream, a mail service and a module of one’s own, under one id', async () => {
  await copyFile(
    join(import.meta.dirname, '../../examples/own-sink/append-to-file.js'),
    join(folder, 'append-to-file.mjs'),
  );
  const file = join(folder, 'events.jsonl');
  const wanted = { events: ['method.blocked'], retries: ['100ms', '100ms'] };
  const program = await startProgram({
    folder,
    config: {
      ...quiet,
      server: { workers: 2 },
      upstreams: [{ url: node.url }],
      methods: { blocked: ['admin_*'] },
      events: {
        sinks: [
          { name: 'stream', type: 'redis-stream', url: redis.url, ...wanted },
          { name: 'own', type: 'module', path: './append-to-file.mjs', settings: { file }, ...wanted },
          {
            ...{ name: 'mail', type: 'email', url: mails.url, allow_private: true },
            ...{ headers: { 'idempotency-key': '{{id}}' }, body: '{"subject": "{{title}}"}' },
            ...wanted,
          },
        ],
      },
    },
  });
  const reader = new Redis(redis.url);
  try {
    const body = '{"jsonrpc":"2.0","id":1,"method":"admin_\\"<!channel>"}';
    await fetch(program.url, { method: 'POST', body });
    await expect.poll(() => mails.requests.length, { timeout: 15_000 }).toBe(2);
    await expect.poll(() => reader.xlen('polymorph:events'), { timeout: 5000 }).toBe(1);
    const [[, fields] = ['', []]] = await reader.xrange('polymorph:events', '-', '+');
    const event = JSON.parse(fields[5] ?? '') as { id: string; data: object };
    expect(event).toMatchObject({
      type: 'method.blocked',
      subject: '127.0.0.1',
      data: { method: 'admin_"<!channel>', pattern: 'admin_*', count: 1 },
    });
    await expect
      .poll(() => readFile(file, 'utf8').catch(() => ''), { timeout: 5000 })
      .toBe(`${JSON.stringify(event)}\n`);
    expect(mails.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([event.id, event.id]);
    expect(mails.json(1)).toEqual({ subject: 'Blocked method called by 127.0.0.1' });
  } finally {
    reader.disconnect();
    await program.kill();
  }
});
