import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../src/events/testing/receiver.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import type { LogLine } from '../program.ts';
import { quiet } from '../quiet.ts';
import { eventually, startStoreGateway } from '../store/gateway.ts';
import { webhookConfig } from './gateway.ts';

const key = 'canary-key-of-22-characters';
let node: FakeUpstream;
let receiver: Receiver;
let folder: string;

beforeEach(async () => {
  [node, receiver] = [await startFakeUpstream(), await startReceiver()];
  folder = await mkdtemp(join(tmpdir(), 'polymorph-events-'));
});
afterEach(async () => {
  await Promise.all([node.close(), receiver.close(), rm(folder, { recursive: true, force: true })]);
});

interface Told extends LogLine {
  type: string;
  subject: string;
  data: Record<string, unknown>;
}

it('tells of all that happens: floods with a count, quotas, reloads, upstreams; and shows no key', async () => {
  const sinks = [
    { name: 'hook', type: 'webhook', url: receiver.url, allow_private: true, keys: ['acme'] },
    { name: 'out', type: 'stdout' },
    { name: 'table', type: 'database' },
  ];
  const base = {
    ...webhookConfig(receiver.url),
    health: { interval: '200ms', timeout: '200ms' },
    limits: { default: { requests: 5, period: '1d', burst_size: 2 } },
    keys: [{ name: 'acme', key, quota: { requests: 10, period: 'day', warn_at: [50] } }],
    events: { window: '1s', sinks },
  };
  const gateway = await startStoreGateway({ node: node.url, folder, config: base });
  const { program } = gateway;
  const told = (type: string): Told[] =>
    (program.logs() as Told[]).filter((line) => line['specversion'] === '1.0' && line.type === type);

  try {
    for (let at = 0; at < 60; at += 1) await gateway.call(key);
    await gateway.call(undefined, 'admin_peers');
    await eventually(() => {
      const exceeded = told('rate_limit.exceeded').map(({ data }) => Number(data['count']));
      return exceeded.length >= 2 && exceeded.reduce((sum, count) => sum + count, 0) === 53;
    }, 20_000);
    const [first] = told('rate_limit.exceeded');
    expect(first).toMatchObject({
      subject: expect.stringMatching(/^key:.{8}\/acme$/) as string,
      ...{ severity: 'warning', source: '/polymorph', tenant: 'default' },
      data: { count: 1, windowMs: 0, policy: 'default', limit: 5, burst: 2, network: 'default', method: 'm' },
    });
    for (const type of ['burst.used', 'burst.depleted', 'quota.warning', 'method.blocked'])
      await eventually(() => told(type).length > 0, 5000);
    expect(told('quota.warning').map(({ data }) => data)).toMatchObject([
      // One of two workers sees it first, not always that of the fifth call.
      { percent: 50, used: expect.toBeOneOf([5, 6, 7]) as number, limit: 10 },
    ]);
    expect(told('method.blocked')[0]).toMatchObject({ subject: '127.0.0.1', data: { pattern: 'admin_*' } });

    const store = { ...quiet, store: 'sqlite', upstreams: [{ url: node.url }] };
    await program.reload({ ...store, ...base, logging: { level: 'debug' } });
    await program.reload('upstreams: [');
    await eventually(() => told('config.reloaded').length === 2, 5000);
    const [applied, refused] = told('config.reloaded');
    expect(applied!.data).toMatchObject({ ok: true, problem: null });
    expect(refused!.data).toMatchObject({
      ok: false,
      problem: expect.stringContaining('polymorph.yaml:') as string,
    });
    await node.close();
    await eventually(() => told('upstream.down').length > 0, 10_000);
    expect(told('upstream.down')[0]!.subject).toBe(`upstream:default/${new URL(node.url).host}`);

    expect(await gateway.check('events')).toMatchObject({ status: 'up', outbox: 'store', lost: 0 });
    const answer = await fetch(`${program.adminUrl}/stats/billing-events?type=quota.*&limit=5`);
    const { events } = (await answer.json()) as { events: { event: Told; deliveries: object[] }[] };
    expect(events).toMatchObject([{ event: { type: 'quota.warning' } }]);
    expect(events[0]!.deliveries).toHaveLength(3);
    expect((await fetch(`${program.adminUrl}/stats/billing-events?tpye=x`)).status).toBe(400);

    await eventually(() => receiver.received.length > 3, 5000);
    for (const { body } of receiver.received)
      expect(JSON.parse(body)).toMatchObject({ subject: first!.subject });
    program.signal('SIGTERM');
    expect((await program.exited).code).toBe(0);
    const database = new Database(join(folder, '.polymorph', 'polymorph.db'), { readonly: true });
    const rows = database.prepare('select event_type, metadata from billing_events').all() as {
      event_type: string;
    }[];
    const ids = database.prepare('select count(distinct event_id) from billing_events').pluck().get();
    const events_ = database.prepare('select count(*) from outbox').pluck().get();
    const waiting = database
      .prepare(`select count(*) from outbox_deliveries where state in ('new', 'retry')`)
      .pluck()
      .get();
    database.close();
    expect(rows.length).toBe(ids);
    expect({ rows: rows.length, waiting }).toEqual({ rows: events_, waiting: 0 });
    const all = program.output() + JSON.stringify(rows) + JSON.stringify(receiver.received);
    expect(all).not.toContain(key);
  } finally {
    await program.kill();
  }
});

it('keeps events in memory without a store, and says so', async () => {
  const gateway = await startStoreGateway({
    ...{ node: node.url, folder, store: 'none' },
    config: webhookConfig(receiver.url),
  });
  try {
    await gateway.program.waitFor('events are kept in memory');
    await gateway.call(undefined, 'admin_peers');
    await eventually(() => receiver.received.length === 1, 5000);
    expect(await gateway.check('events')).toMatchObject({
      outbox: expect.stringContaining('in memory') as string,
    });
    const asked = await fetch(`${gateway.program.adminUrl}/stats/billing-events`);
    expect(asked.status).toBe(409);
  } finally {
    await gateway.program.kill();
  }
});
