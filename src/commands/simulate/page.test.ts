import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configKeyId, uuidText } from '../../identity/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { startPostgres } from '../../store/testing/postgres.ts';
import { runCommand } from '../testing/run-command.ts';

const page = readFileSync(new URL('../../../docs/simulate.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = '']) =>
  text.trimEnd().split('\n'),
);
const at = Date.UTC(2026, 10, 28, 12);
const keyId = uuidText(configKeyId('acme'));
const line = JSON.stringify({
  ...{
    level: 'info',
    kind: 'access',
    at: new Date(at).toISOString(),
    network: 'default',
    method: 'eth_call',
  },
  ...{ caller: '192.0.2.1', address: '192.0.2.1', outcome: 'allowed', ms: 1 },
});

let cwd = '';
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-simulate-page-'));
  const [yaml = ''] = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text]) => text);
  writeFileSync(join(cwd, 'new.yaml'), yaml);
  writeFileSync(join(cwd, 'access.log'), `${line}\n`);
  writeFileSync(join(cwd, 'access.log.1.gz'), gzipSync(`${line}\n`));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Seven calls of a key and two of none. */
async function fill(store: Store): Promise<void> {
  const call = { keyId, method: 'eth_call', status: 0, at, count: 7 };
  const raw = [call, { ...call, keyId: '00000000-0000-0000-0000-000000000000', count: 2 }];
  await store.apply({
    segment: 'page-0-0-1',
    from: 0,
    to: 1,
    closed: true,
    rows: [],
    raw,
    lastUsed: new Map(),
  });
}

async function polymorph(command: string): Promise<string> {
  const { stdout, stderr, code } = await runCommand(cwd, command.split(' ').slice(1));
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout;
}

const shell = (command: string, env: Record<string, string> = {}): void =>
  void execFileSync('/bin/sh', ['-c', command], { cwd, env: { PATH: process.env['PATH'], ...env } });

describe('docs/simulate.md', () => {
  const [logs = [], sqlite = [], postgres = []] = blocks;

  test('has its three ways', () => {
    expect(blocks.map(({ length }) => length)).toEqual([2, 2, 2]);
  });

  test.each(logs)('%s', async (command) => {
    const expected = command.includes('--json') ? '"calls": 2' : '1 calls, 2026-11-28 12:00:00';
    expect(await polymorph(command)).toContain(expected);
  });

  const noSqlite = spawnSync('sqlite3', ['--version']).status !== 0;
  test.skipIf(noSqlite)('rows of the embedded store, which is open (needs the program sqlite3)', async () => {
    const store = await openStore({ kind: 'sqlite', folder: join(cwd, '.polymorph') });
    await fill(store);
    shell(sqlite[0]!);
    const result = await polymorph(sqlite[1]!);
    await store.close();
    expect(result).toMatch(/^7 calls, 2026-11-28 12:00:00/);
    expect(result).toContain('2 calls without a key were left out');
  });

  test('rows of PostgreSQL', async () => {
    const server = await startPostgres();
    try {
      const url = await server.createDatabase();
      const store = await openStore({ kind: 'postgres', url, migrate: true });
      await fill(store);
      await store.close();
      shell(postgres[0]!, { DATABASE_URL: url });
      const result = await polymorph(postgres[1]!);
      expect(result).toMatch(/^7 calls, 2026-11-28 12:00:00/);
      expect(result).toContain('2 calls without a key were left out');
    } finally {
      await server.stop();
    }
  });
});
