import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type Received, type Receiver, startReceiver } from '../../src/events/testing/receiver.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually } from '../store/gateway.ts';
import { addressOf, secret, startWebhookGateway, type WebhookGateway } from './gateway.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const EVENTS = long ? 10_000 : 1000;

let postgres: PostgresServer;
let node: FakeUpstream;
let receiver: Receiver;
let folder: string;
const gateways: WebhookGateway[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
beforeEach(async () => {
  [node, receiver] = [await startFakeUpstream(), await startReceiver()];
  folder = await mkdtemp(join(tmpdir(), 'polymorph-events-'));
});
afterEach(async () => {
  for (const { program } of gateways.splice(0)) await program.kill();
  await Promise.all([node.close(), receiver.close(), rm(folder, { recursive: true, force: true })]);
});
afterAll(() => postgres.stop());

async function start(options: Partial<Parameters<typeof startWebhookGateway>[0]> = {}) {
  const gateway = await startWebhookGateway({ node: node.url, folder, url: receiver.url, ...options });
  gateways.push(gateway);
  return gateway;
}

const idOf = ({ headers }: Received): string => String(headers['webhook-id']);

/** Throws for a signature that is not right. */
function verified({ body, headers }: Received): { id: string; subject: string; sequence: string } {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as never;
}

/** Fails three attempts in ten, and no event more than seven times; ids that it has taken, by subject. */
function failingReceiver() {
  const taken = new Map<string, string>();
  const failures = new Map<string, number>();
  receiver.answer = (request, response) => {
    const { id, subject } = verified(request);
    expect(id).toBe(idOf(request));
    const failed = failures.get(id) ?? 0;
    if (failed < 7 && Math.random() < 0.3) {
      failures.set(id, failed + 1);
      if (Math.random() < 0.2) response.destroy();
      else response.writeHead(503).end();
      return;
    }
    taken.set(subject, id);
    response.writeHead(204).end();
  };
  return taken;
}

/** Blocked calls of so many callers, in pieces of what one beat tells apart. */
async function cause(gateway: WebhookGateway, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 50) {
    const piece = Array.from({ length: Math.min(50, to - at) }, (_, more) => addressOf(at + more));
    await Promise.all(piece.map((address) => gateway.blocked(address)));
  }
}

describe('webhooks', () => {
  it(`gets ${EVENTS} events to a receiver that fails three in ten and restarts three times`, async () => {
    const gateway = await start();
    const taken = failingReceiver();
    const began = performance.now();
    const causing = cause(gateway, 0, EVENTS);
    for (const share of [0.2, 0.4, 0.6]) {
      await eventually(() => taken.size >= EVENTS * share, 60_000);
      await receiver.close();
      await new Promise((resolve) => setTimeout(resolve, 100));
      await receiver.open();
    }
    await causing;
    await eventually(() => taken.size === EVENTS, 60_000);
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(new Set(taken.values()).size).toBe(EVENTS);
    const attempts = Map.groupBy(receiver.received, idOf);
    for (const [, requests] of attempts) {
      expect(requests.length).toBeLessThanOrEqual(8);
      expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
    }
    expect((await gateway.operate('events.list', { state: 'dead' }))['events']).toEqual([]);
    await eventually(
      async () => (await gateway.operate('events.list', { state: 'waiting' }))['events'].length === 0,
      5000,
    );
  });

  it.each(['sqlite', 'postgres'] as const)(
    'loses no event to a kill while it delivers, and repeats one by the same id (%s)',
    async (kind) => {
      const store = kind === 'postgres' ? await postgres.createDatabase() : undefined;
      const options = { group: true, ...(store !== undefined && { store }) };
      const taken = failingReceiver();
      const told = new Set<string>();
      for (let round = 0; round < (long ? 10 : 1); round += 1) {
        const gateway = await start(options);
        const from = round * 200;
        await cause(gateway, from, from + 200);
        // In the outbox: what was only counted in a worker is the kill's to take, as the calls under way are.
        await eventually(async () => {
          const { events } = await gateway.operate('events.list', { type: 'method.blocked', limit: 1000 });
          for (const { event } of events) told.add(event.subject);
          return told.size === from + 200;
        }, 10_000);
        await gateway.program.kill();
      }
      await start(options);
      await eventually(() => [...told].every((subject) => taken.has(subject)), 20_000);
      const ids = Map.groupBy(receiver.received.map(verified), ({ subject }) => subject);
      for (const [, some] of ids) expect(new Set(some.map(({ id }) => id)).size).toBe(1);
    },
  );

  it('has one of two instances deliver an event, and another take over when it dies', async () => {
    const store = await postgres.createDatabase();
    const second = await mkdtemp(join(tmpdir(), 'polymorph-events-'));
    try {
      const one = await start({ store, group: true });
      const two = await start({ store, folder: second, group: true });
      await Promise.all([cause(one, 0, 150), cause(two, 150, 300)]);
      await eventually(() => receiver.received.length >= 300, 20_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(new Set(receiver.received.map(idOf)).size).toBe(300);
      expect(receiver.received.length).toBe(300);
      // What is in the outbox and not claimed when it dies is the other's at once.
      receiver.answer = (_, response) => void response.writeHead(503).end();
      await cause(one, 600, 606);
      await eventually(async () => {
        const { events } = await two.operate('events.list', { state: 'waiting', limit: 1000 });
        return events.length === 6;
      }, 10_000);
      await one.program.kill();
      receiver.answer = (_, response) => void response.writeHead(204).end();
      const subjects = () => new Set(receiver.received.map((request) => verified(request).subject));
      await eventually(() => subjects().size === 306, long ? 90_000 : 75_000);
    } finally {
      await rm(second, { recursive: true, force: true });
    }
  });

  it('has another take over what one had claimed and was sending as it died, once its claims end', async () => {
    const store = await postgres.createDatabase();
    const second = await mkdtemp(join(tmpdir(), 'polymorph-events-'));
    try {
      // It sends, and hears nothing: what it has claimed is in its hands alone.
      receiver.answer = () => {};
      const one = await start({ store, group: true });
      await cause(one, 0, 3);
      await eventually(() => receiver.received.length === 3, 10_000);
      await start({ store, folder: second });
      await one.program.kill();
      const killed = performance.now();
      const taken = new Map<string, number>();
      receiver.answer = (request, response) => {
        const { id } = verified(request);
        taken.set(id, (taken.get(id) ?? 0) + 1);
        response.writeHead(204).end();
      };
      await new Promise((resolve) => setTimeout(resolve, 5000));
      expect(taken.size, 'while its claims stand').toBe(0);
      await eventually(() => taken.size === 3, 75_000);
      console.log(`taken over ${((performance.now() - killed) / 1000).toFixed(1)} s after the kill`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect([...taken.values()]).toEqual([1, 1, 1]);
      const ids = Map.groupBy(receiver.received.map(verified), ({ subject }) => subject);
      for (const [, some] of ids)
        expect([some.length, new Set(some.map(({ id }) => id)).size]).toEqual([2, 1]);
    } finally {
      await rm(second, { recursive: true, force: true });
    }
  });

  it('keeps what is not delivered when it ends, and refuses loopback unless it may', async () => {
    const gateway = await start({ sink: { allow_private: false, retries: ['5ms'] } });
    await cause(gateway, 0, 3);
    const problem = /127\.0\.0\.1 is no public address: set allow_private/;
    await eventually(async () => {
      const { events } = await gateway.operate('events.list', { state: 'dead' });
      return events.length === 3 && problem.test(events[0].deliveries[0].problem);
    }, 10_000);
    expect(receiver.received).toEqual([]);
    expect((await gateway.program.stop()).code).toBe(0);
    const again = await start();
    expect(await again.operate('events.replay', { all: true })).toEqual({ replayed: 3 });
    await eventually(() => receiver.received.length === 3, 5000);
    expect(new Set(receiver.received.map(verified).map(({ subject }) => subject)).size).toBe(3);
  });
});
