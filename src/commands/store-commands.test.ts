import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashKey } from '../identity/index.ts';
import { createJournalWriter, LATENCY_BUCKETS } from '../usage/index.ts';
import { runCommand, runWell } from './testing/run-command.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-store-commands-'));
  const config = 'upstreams:\n  - url: http://127.0.0.1:8545\nmethods:\n  groups: { logs: [eth_getLogs] }\n';
  writeFileSync(join(cwd, 'polymorph.yaml'), config);
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...args: string[]) => runCommand(cwd, args);
const ok = (...args: string[]) => runWell(cwd, args);

describe('users, plans and keys', () => {
  test('from a plan to a key with limits, as text and JSON', async () => {
    expect(
      await ok(
        'plans',
        'put',
        'pro',
        '--currency',
        'USD',
        '--monthly-fee',
        '49.00',
        '--included',
        '10000000',
        '--price',
        '0.50',
      ),
    ).toMatch(
      /^Made plan pro\.\n\nplan +pro\nmonthly fee +49\.00 USD\nincluded +10,000,000 cost units a month\nbeyond +0\.50 USD per 1,000,000 units\n/,
    );
    expect(
      await ok('plans', 'put', 'pro', '--price', '0.4', '--set', '*=100/s+50', '--quota', '5000/day@50,90'),
    ).toMatch(
      /^Changed plan pro\.[^]*limits +\*=100\/1s\+50\nquota +5,000 requests a day, warnings at 50, 90 %\n/,
    );
    expect(await ok('plans', 'list')).toMatch(
      /^plan +users +monthly fee[^]*\npro +0 +49\.00 USD +10,000,000 +0\.40 USD per/,
    );
    expect(await ok('users', 'create', 'ada@example.com', '--name', 'Ada', '--tier', 'pro')).toMatch(
      /^Made user ada@example\.com \([0-9a-f-]{36}\), on plan pro\.\n$/,
    );
    const made = await run(
      'keys',
      'create',
      '--user',
      'ada@example.com',
      '--name',
      'acme',
      '--set',
      'eth_call=5/1m',
    );
    expect(made.stdout).toMatch(/^pp_live_[0-9A-Za-z]{28}\n$/);
    expect(made.stderr).toBe('Key acme of ada@example.com is shown only this once:\n');
    expect(await ok('keys', 'limits', 'acme', '--set', 'group:logs=2/1s')).toMatch(
      /eth_call +5 +1m +key\ngroup:logs +2 +1s +key\n\* +100 +1s +50 +plan pro\n\nquota: 5,000 requests a day, warnings at 50, 90 % \(plan pro\)\n$/,
    );
    const listed = JSON.parse(await ok('keys', 'list', '--json')) as {
      keys: { prefix: string; state: string }[];
    };
    expect(listed.keys).toMatchObject([{ state: 'active', prefix: made.stdout.slice(8, 16) }]);
    expect(await ok('keys', 'disable', made.stdout.trim())).toMatch(/^Key acme \(.{8}\) is disabled\.\n$/);
    expect(await ok('users', 'show', 'ada@example.com')).toMatch(
      /^user +ada@example\.com\nname +Ada[^]*\nacme +.{8} +ada@example\.com +disabled /,
    );
    expect((await run('plans', 'delete', 'pro')).code).toBe(1);
    expect(await ok('users', 'delete', 'ada@example.com')).toBe('Deleted user ada@example.com and 1 key.\n');
  });

  test('a quota of a user as a whole: the plan’s, and one of their own before it', async () => {
    const plan = await ok('plans', 'put', 'pro', '--currency', 'USD', '--user-quota', 'cost:9000/month');
    expect(plan).toMatch(/^of a user +9,000 cost units a month, warnings at 80 %$/m);
    expect(await ok('plans', 'list')).toMatch(/quota of a user[^]*9,000 cost units a month/);
    await ok('users', 'create', 'ada@example.com', '--tier', 'pro');
    const shown = () => ok('users', 'show', 'ada@example.com');
    expect(await shown()).toMatch(/^quota +9,000 cost units a month, warnings at 80 % \(plan pro\)$/m);
    await ok('users', 'update', 'ada@example.com', '--quota', '70/day@50');
    expect(await shown()).toMatch(/^quota +70 requests a day, warnings at 50 %$/m);
    expect(await ok('users', 'list')).toContain('70 requests a day');
    expect(JSON.parse(await ok('users', 'show', 'ada@example.com', '--json'))).toMatchObject({
      quota: { unit: 'requests', limit: 70, period: 'day', warnAt: [50] },
      plan: { quota: null, userQuota: { unit: 'cost', limit: 9000 } },
    });
    await ok('users', 'update', 'ada@example.com', '--quota', 'none');
    await ok('plans', 'put', 'pro', '--user-quota', 'none');
    expect(await shown()).not.toMatch(/^quota/m);
    await ok('users', 'create', 'bob@example.com', '--quota', '5/month');
    expect(await ok('users', 'show', 'bob@example.com')).toMatch(/^quota +5 requests a month/m);
  });

  test('`--quota none` takes a key’s own quota away, and that of a plan', async () => {
    await ok('plans', 'put', 'pro', '--currency', 'USD', '--quota', '5000/day');
    await ok('users', 'create', 'ada@example.com', '--tier', 'pro');
    await run('keys', 'create', '--user', 'ada@example.com', '--name', 'plain', '--quota', 'none');
    await run('keys', 'create', '--user', 'ada@example.com', '--name', 'acme', '--quota', '10/month');
    expect(await ok('keys', 'limits', 'plain')).toMatch(/quota: 5,000 requests a day, .*\(plan pro\)\n$/);
    expect(await ok('keys', 'limits', 'acme')).toMatch(/quota: 10 requests a month, .*\n$/);
    expect(await ok('keys', 'limits', 'acme', '--quota', 'none')).toMatch(
      /quota: 5,000 requests a day, .*\(plan pro\)\n$/,
    );
    expect(await ok('plans', 'put', 'pro', '--quota', 'none')).not.toMatch(/^quota +\S/m);
    expect(await ok('keys', 'limits', 'acme', '--json')).toMatch(/"quota": ?null/);
  });

  test('a key is nowhere but in the answer that made it', async () => {
    await ok('users', 'create', 'ada@example.com');
    const first = (await run('keys', 'create', '--user', 'ada@example.com', '--name', 'acme')).stdout.trim();
    const rotated = await run('keys', 'rotate', 'acme', '--grace', 'none');
    expect(rotated.stderr).toMatch(
      /^The old one is refused from now on\. The new key acme is shown only this once:/,
    );
    const secrets = [first, rotated.stdout.trim()].flatMap((key) => [key, key.slice(16, 30)]);
    const shown = [
      await ok('keys', 'show', 'acme'),
      await ok('keys', 'list', '--json'),
      await ok('users', 'show', 'ada@example.com', '--json'),
      (await run('users', 'show', first)).stderr,
      (await run('keys', 'show', `${first}x`)).stderr,
      ...readdirSync(join(cwd, '.polymorph')).map((file) =>
        readFileSync(join(cwd, '.polymorph', file), 'latin1'),
      ),
    ];
    for (const text of shown) for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    expect(shown[1]).not.toContain(Buffer.from(hashKey(rotated.stdout.trim())).toString('hex'));
  });

  test.each([
    [['users', 'create', 'ada'], 2, /^email: found "ada", expected an e-mail address/],
    [['users', 'show', 'nobody@example.com'], 1, /^There is no user nobody@example\.com/],
    [['keys', 'create'], 2, /required option '--user <user>'/],
    [['keys', 'rotate', 'acme', '--grace', '2h'], 2, /Allowed choices are none, 1h, 24h, 7d/],
    [['keys', 'limits', 'acme', '--set', 'eth_call'], 2, /Expected <method>=<requests>\/<period>/],
    [['keys', 'limits', 'acme', '--quota', '10'], 2, /Expected <number>\/day or \/month/],
    [['plans', 'put', 'pro', '--price', '1'], 2, /give --currency too/],
    [
      ['plans', 'put', 'pro', '--currency', 'USD', '--price', '0.001'],
      2,
      /^--price: found 0\.001, expected an amount of USD such as 49\.00/,
    ],
    [['users', 'list', '--config', 'none.yaml'], 2, /none\.yaml: error: no such file/],
    [['users', 'list', '--admin', 'nonsense'], 2, /--admin must be an http or https URL/],
    [
      ['users', 'list', '--admin', 'http://127.0.0.1:1'],
      1,
      /^Cannot reach the admin listener at http:\/\/127\.0\.0\.1:1/,
    ],
    [['usage', '--by', 'metod'], 2, /Found metod, expected any of method/],
    [['invoice', '--month', '2026-10'], 2, /Give --user and --month, or --number/],
    [['reconcile', '--sent', 'none.json'], 2, /^--sent: cannot read none\.json/],
  ])('%j exits with %i', async (args, code, stderr) => {
    const result = await run(...args);
    expect(result.stderr).toMatch(stderr);
    expect(result).toMatchObject({ code, stdout: '' });
  });

  test('where variables of the gateway’s environment are not set, it says how to do without', async () => {
    writeFileSync(
      join(cwd, 'polymorph.yaml'),
      'upstreams: [{ url: "http://127.0.0.1:8545" }]\nkeys: [{ name: acme, key: "${ACME_KEY}" }]\n',
    );
    const { code, stderr } = await run('keys', 'list');
    expect(code).toBe(2);
    expect(stderr).toContain('environment variable ACME_KEY is not set');
    expect(stderr).toMatch(
      /ask it with --admin http:\/\/127\.0\.0\.1:9540, or where its admin listener is\.\n$/,
    );
    expect((await run('check', 'polymorph.yaml')).stderr).not.toContain('--admin');
  });

  test('without a config, or without a store in it, it says what to do', async () => {
    rmSync(join(cwd, 'polymorph.yaml'));
    expect(await run('users', 'list')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--config FILE') as string,
    });
    writeFileSync(join(cwd, 'bare.yaml'), 'upstreams:\n  - url: http://127.0.0.1:8545\nstore: none\n');
    expect(await run('users', 'list', '--config', 'bare.yaml')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('store: none') as string },
    });
  });
});

describe('usage, invoices and reconciliation', () => {
  /** What a gateway leaves in its journals that dies before it applied them. */
  async function called(at: number, turns = 3): Promise<void> {
    const keys = JSON.parse(await ok('keys', 'list', '--json')) as { keys: { id: string }[] };
    const writer = createJournalWriter({
      ...{ folder: join(cwd, '.polymorph', 'journal'), run: 'dead', slot: 0, start: at % 1000 },
      ...{ holds: () => false, onFull: () => undefined, epochMs: () => at, nowMs: () => 0 },
    });
    const latency = new Uint32Array(LATENCY_BUCKETS);
    latency[8] = 100;
    const record = {
      ...{ keyId: keys.keys[0]?.id ?? '', network: 'default', method: 'eth_call', status: 0, event: false },
      ...{ calls: 100, cost: 100, errors: 0, bytesIn: 1, bytesOut: 1, latencyMicros: 1, latency },
    };
    for (let turn = 0; turn < turns; turn += 1) writer.write([record, { ...record, method: '=1+1' }]);
    writer.close();
  }

  beforeEach(async () => {
    await ok(
      'plans',
      'put',
      'pro',
      '--currency',
      'EUR',
      '--monthly-fee',
      '10',
      '--price',
      '1.00',
      '--per',
      '100',
    );
    await ok('users', 'create', 'ada@example.com', '--tier', 'pro');
    await run('keys', 'create', '--user', 'ada@example.com', '--name', 'acme');
  });

  test('what a gateway that died left in its journals is in the next answer', async () => {
    await called(Date.now() - 120_000);
    const usage = await ok('usage', '--by', 'key,method', '--from', '1h');
    expect(usage).toMatch(
      /\nkey +method +calls +refused[^]*\nacme \(.{8}\) +=1\+1 +300 +0 +300 [^]*\ntotal +600 +0 +600 /,
    );
    expect(await ok('usage', '--from', '1h', '--format', 'csv')).toMatch(
      /^method,calls,refused,events,cost,errors,bytesIn,bytesOut,p50Micros,p99Micros\n"'=1\+1",300,0,0,300,0,3,3,\d+,\d+\neth_call,300,/,
    );
    const json = JSON.parse(await ok('usage', '--user', 'ada@example.com', '--json', '--from', '1h')) as {
      totals: object;
    };
    expect(json.totals).toMatchObject({ calls: 600, cost: 600 });
    expect(await ok('reconcile')).toMatch(/journal +600 [^]*ledger +600 [^]*All adds up\.\n$/);
  });

  test('a restored back-up catches up from the journals, and counts nothing twice', async () => {
    const now = Date.now() - 120_000;
    const folder = join(cwd, '.polymorph');
    const total = async () =>
      (JSON.parse(await ok('usage', '--json', '--from', '1h')) as { totals: { calls: number } }).totals.calls;
    await called(now);
    expect(await total()).toBe(600);
    await ok('backup', 'copy.db');
    await called(now + 1);
    expect(await total()).toBe(1200);
    for (const file of readdirSync(folder)) if (file.startsWith('polymorph.db')) rmSync(join(folder, file));
    writeFileSync(join(folder, 'polymorph.db'), readFileSync(join(cwd, 'copy.db')));
    expect(await total()).toBe(1200);
    expect(await ok('reconcile')).toMatch(/All adds up\.\n$/);
  });

  test('reconcile exits with 1 on a difference, and names it', async () => {
    await called(Date.now() - 120_000);
    writeFileSync(join(cwd, 'sent.json'), JSON.stringify([{ key: 'acme', method: 'eth_call', calls: 299 }]));
    const result = await run('reconcile', '--sent', 'sent.json');
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(
      /acme \(.{8}\) +eth_call +sent +299 +300 +more is counted than was ever sent/,
    );
  });

  test('an invoice as table, JSON, CSV and PDF', async () => {
    const month = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - 1, 15));
    await called(month.getTime());
    const of = ['invoice', '--user', 'ada@example.com', '--month', month.toISOString().slice(0, 7)];
    const text = await ok(...of, '--seller', 'Nodes Ltd', '--seller', '1 Chain Street');
    expect(text).toMatch(
      /^invoice +\d{4}-000001\nseller +Nodes Ltd, 1 Chain Street\nuser +ada <ada@example\.com>\n/,
    );
    expect(text).toMatch(/units beyond +600 +1\.00 EUR per 100 +6\.00 EUR\ntotal +16\.00 EUR\n/);
    const { number, seller } = JSON.parse(await ok(...of, '--json')) as { number: string; seller: string };
    expect(seller).toBe('Nodes Ltd\n1 Chain Street');
    expect(await ok('invoice', '--number', number, '--format', 'csv')).toMatch(
      /,total,,,600,600,16\.00,EUR\n$/,
    );
    expect(await ok('invoice', '--number', number, '--format', 'pdf')).toBe(`Wrote invoice-${number}.pdf\n`);
    expect(readFileSync(join(cwd, `invoice-${number}.pdf`), 'latin1')).toMatch(/^%PDF-/);
    await ok(...of, '--format', 'csv', '--out', 'a.csv');
    expect(readFileSync(join(cwd, 'a.csv'), 'utf8')).toContain(number);
    expect(await run(...of, '--format', 'csv', '--out', 'no/where.csv')).toMatchObject({ code: 1 });
  });

  test('this month has only a draft', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const of = ['invoice', '--user', 'ada@example.com', '--month', month];
    expect(await run(...of)).toMatchObject({ code: 1, stderr: expect.stringContaining('--draft') as string });
    expect(await ok(...of, '--draft')).toMatch(/^invoice +draft, not issued\n/);
  });
});

test('every command has help with examples', async () => {
  for (const name of ['users', 'keys', 'plans', 'usage', 'invoice', 'reconcile', 'migrate', 'backup'])
    expect((await run(name, '--help')).stdout).toContain(`Examples:\n  polymorph ${name}`);
});
