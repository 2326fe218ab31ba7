import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../store/testing/postgres.ts';
import { runCommand, runWell } from './testing/run-command.ts';

let server: PostgresServer;
let cwd = '';
beforeAll(async () => {
  server = await startPostgres();
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-postgres-commands-'));
  const url = await server.createDatabase();
  writeFileSync(join(cwd, 'polymorph.yaml'), `upstreams:\n  - url: http://127.0.0.1:8545\nstore: ${url}\n`);
});
afterAll(async () => {
  await server?.stop();
  rmSync(cwd, { recursive: true, force: true });
});

test('on PostgreSQL a schema is migrated when it is asked for, and not in passing', async () => {
  const early = await runCommand(cwd, ['users', 'list']);
  expect(early).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/migrations behind: run polymorph migrate/) as string,
  });
  expect(await runWell(cwd, ['migrate', '--dry-run'])).toMatch(/^Would run:\n {2}1 {2}/);
  expect(await runWell(cwd, ['migrate'])).toMatch(/^Ran:\n {2}1 {2}/);
  expect(await runWell(cwd, ['migrate', '--status'])).not.toContain('pending');
});

test('users, keys, usage and reconciliation are as with SQLite; back-ups are made by its own tools', async () => {
  await runWell(cwd, ['plans', 'put', 'pro', '--currency', 'JPY', '--monthly-fee', '500']);
  await runWell(cwd, ['users', 'create', 'ada@example.com', '--tier', 'pro']);
  expect(
    (await runCommand(cwd, ['keys', 'create', '--user', 'ada@example.com', '--name', 'acme'])).code,
  ).toBe(0);
  expect(await runWell(cwd, ['keys', 'list'])).toMatch(/\nacme +.{8} +ada@example\.com +active /);
  expect(await runWell(cwd, ['plans', 'list'])).toMatch(/\npro +1 +500 JPY /);
  expect(await runWell(cwd, ['usage'])).toMatch(/Nothing was called\.\n$/);
  expect(await runWell(cwd, ['reconcile'])).toMatch(/All adds up\.\n$/);
  expect(await runCommand(cwd, ['backup', 'copy.db'])).toMatchObject({
    ...{ code: 1, stderr: expect.stringMatching(/pg_dump/) as string },
  });
});

test('while it is away, commands say so and exit with 1', async () => {
  await server.halt();
  const started = performance.now();
  const { code, stderr } = await runCommand(cwd, ['users', 'list']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^PostgreSQL cannot be used: /);
  expect(performance.now() - started).toBeLessThan(15_000);
  await server.start();
  expect(await runWell(cwd, ['users', 'list'])).toContain('ada@example.com');
});
