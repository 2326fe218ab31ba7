import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../store/index.ts';
import { type PostgresServer, startPostgres } from '../../store/testing/postgres.ts';
import type { FromStore } from './messages.ts';
import { createStoreService } from './store-service.ts';

let server: PostgresServer;
let folder = '';
beforeAll(async () => {
  server = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), 'polymorph-service-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

it('looks whether the store answers while the first maintenance still waits for a lock', async () => {
  const url = await server.createDatabase();
  await (await openStore({ kind: 'postgres', url })).close();
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  await other.query('begin; lock table usage_minutes in access exclusive mode');
  const told: FromStore[] = [];
  const ended = Promise.withResolvers<void>();
  const service = createStoreService({
    start: {
      store: { kind: 'postgres', url },
      journal: { folder: join(folder, 'journal'), run: 'run' },
      settings: {
        applier: { raw: { mode: 'off', share: 0 }, keepJournalMs: 60_000 },
        retention: {
          minutesMs: 1e9,
          hoursMs: 1e9,
          daysMs: 1e9,
          rawMs: 1e9,
          eventsMs: 1e9,
          eventsMax: Infinity,
        },
      },
      configKeys: [],
      ...{ groups: [], sinks: [], instance: 'gateway' },
    },
    tell: (message) => told.push(message),
    end: ended.resolve,
    epochMs: Date.now,
    random: randomBytes,
  });
  // One as it is opened, and one a second from then on.
  const looks = () => told.filter((message) => message.type === 'state' && message.state.up).length;
  const from = performance.now();
  // The lock's own timeout, behind which maintenance gives up, is 5 s.
  while (looks() < 3 && performance.now() - from < 4000)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(looks()).toBeGreaterThanOrEqual(3);
  await other.end();
  service.hear({ type: 'close', flushMs: 2000 });
  await ended.promise;
  expect(told.at(-1)).toEqual({ type: 'closed', flushed: true });
});
