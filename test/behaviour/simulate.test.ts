import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configKeyId, uuidText } from '../../src/identity/index.ts';
import { callText, send } from '../../src/gateway/testing/client.ts';
import type { SimulationReport } from '../../src/commands/simulate/report.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type LogLine, mainFile, ownEnvironment, type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

const keys = { own: 'own-limits-key-of-many-letters', quota: 'quota-key-of-many-letters-more' };

/** Every kind of limit, with buckets that refill while the test runs. */
const config = (nodeUrl: string) => ({
  ...quiet,
  server: { workers: 1, state_dir: 'none', trusted_proxies: ['127.0.0.1'] },
  networks: {
    main: { path: '/', upstreams: [{ url: nodeUrl }] },
    // Nobody listens there: what fails gives its quota back.
    dead: { path: '/dead', upstreams: [{ url: 'http://127.0.0.1:9' }], breaker: { failures: 10_000 } },
  },
  methods: {
    groups: { logs: ['eth_getLogs', 'eth_newFilter'] },
    costs: { eth_getLogs: 3 },
    blocked: ['admin_*'],
  },
  limits: {
    default: { requests: 6, period: '700ms', burst_size: 4 },
    groups: { logs: { requests: 21, period: '1s' } },
    methods: {
      eth_call: { requests: 5, period: '5s', mode: 'shadow' },
      eth_chainId: { requests: 5, period: '333ms', network: 'main' },
    },
    ceilings: [
      { name: 'address', per: 'address', requests: 35, period: '1s' },
      { name: 'all', per: 'global', network: 'dead', requests: 20, period: '10s', burst_size: 5 },
    ],
  },
  keys: [
    { name: 'own', key: keys.own, limits: { default: { requests: 12, period: '1s', burst_size: 4 } } },
    {
      name: 'quota',
      key: keys.quota,
      quota: { requests: 10, period: 'month' },
      limits: { default: 'none' },
    },
  ],
  blocklist: {
    deny: ['198.51.100.128/25'],
    auto_ban: {
      threshold: 50,
      window: '1m',
      ban_for: '1h',
      weights: { rate_limited: 0, unauthorized: 10, invalid: 0, method_blocked: 0 },
    },
  },
  logging: { access_sample: 1, access_max_per_second: 100_000 },
});

let node: FakeUpstream;
let program: Program;
let log: string;
let lines: LogLine[];

beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({ config: config(node.url) });
  await drive(program.port);
  await program.waitFor(/"last-of-all"/);
  lines = program.logs().filter(({ kind }) => kind === 'access');
  log = join(program.folder, 'access.log');
  await writeFile(log, program.output());
});
afterAll(async () => {
  await program.kill();
  await node.close();
});

/** Some 1,500 calls of several callers at once, alone and in batches, in waves so that buckets refill in between. */
async function drive(port: number): Promise<void> {
  const callers = [
    { 'x-api-key': keys.own, 'x-forwarded-for': '203.0.113.1' },
    { 'x-api-key': keys.quota, 'x-forwarded-for': '203.0.113.2' },
    ...['198.51.100.1', '198.51.100.2', '2001:db8:1:2:3::4'].map((address) => ({
      'x-forwarded-for': address,
    })),
  ];
  const methods = ['eth_call', 'eth_getLogs', 'eth_chainId', 'eth_newFilter', 'admin_peers', 'net_version'];
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  for (let wave = 0; wave < 3; wave++) {
    const calls = Array.from({ length: 300 }, async (_, k) => {
      const headers = callers[(k * 7 + wave) % callers.length] as Record<string, string>;
      const method = methods[(k * 5 + (k >> 3)) % methods.length] as string;
      const path = k % 9 === 0 ? '/dead' : '/';
      const batch = k % 16 === 0;
      const body = batch
        ? `[${methods.flatMap((each) => [callText(each), callText(each)]).join()},{"nothing":1}]`
        : callText(method, `${k}`);
      await send(port, { headers, path, body, agent });
    });
    await Promise.all(calls);
    // However slowly the machine sends: more than the method's limit at once, of a caller that has room otherwise.
    const more = `[${Array.from({ length: 12 }, () => callText('eth_chainId')).join()}]`;
    await send(port, { headers: { 'x-forwarded-for': '198.51.100.9' }, body: more, agent });
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  await provokeBan(port);
  await send(port, {
    headers: { 'x-api-key': 'no-such-key-no-such-key-no-such' },
    body: callText('eth_call'),
  });
  await send(port, { headers: { 'x-request-id': 'last-of-all' }, body: callText('eth_call') });
}

const banned = '203.0.113.77';

/** Calls of a denied address, and of one that tries keys until it is banned: then of both kinds of limits, all refused. */
async function provokeBan(port: number): Promise<void> {
  const call = (address: string, headers: Record<string, string> = {}) =>
    send(port, { headers: { ...headers, 'x-forwarded-for': address }, body: callText('eth_chainId') });
  for (let k = 0; k < 6; k++) {
    await call('198.51.100.200');
    await call(banned, { 'x-api-key': 'no-such-key-no-such-key-no-such' });
  }
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    if ((await call(banned)).status === 403) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (let k = 0; k < 8; k++) await call(banned);
  await call(banned, { 'x-api-key': keys.quota });
}

function polymorph(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [mainFile, ...args], { cwd: program.folder, env: ownEnvironment() });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** By caller, method, outcome and rule: how many, and when first. */
type Facts = Map<string, { calls: number; first: string }>;

function add(facts: Facts, what: string, at: string, calls = 1): void {
  const known = facts.get(what);
  const first = known === undefined || at < known.first ? at : known.first;
  facts.set(what, { calls: (known?.calls ?? 0) + calls, first });
}

const names = new Map(Object.keys(keys).map((name) => [uuidText(configKeyId(name)), `key:${name}`]));
const callerOf = ({ caller, keyId }: LogLine): string => names.get(String(keyId)) ?? String(caller);

function recorded(): Facts {
  const facts: Facts = new Map();
  for (const line of lines) {
    if (line['callerKind'] === 'unknown' || line['method'] === '') continue;
    const subject = `${callerOf(line)} ${String(line['method'])}`;
    const at = String(line['at']).replace(/\d{3}Z$/, 'Z');
    if (line['outcome'] === 'exceeded') add(facts, `${subject} exceeded ${String(line['policy'])}`, at);
    if (line['outcome'] === 'quota') add(facts, `${subject} quota quota`, at);
    if (line['refusal'] === 'method_blocked') add(facts, `${subject} blocked admin_*`, at);
    if (line['refusal'] === 'forbidden')
      add(
        facts,
        `${subject} denied ${line['caller'] === '198.51.100.200' ? String(line['reason']) : 'address banned in the log'}`,
        at,
      );
    for (const shadow of (line['shadow'] ?? []) as string[]) add(facts, `${subject} shadow ${shadow}`, at);
  }
  return facts;
}

function simulated({ limited }: SimulationReport): Facts {
  const facts: Facts = new Map();
  for (const { caller, method, rules } of limited)
    for (const { outcome, rule, calls, firstAt } of rules)
      add(facts, `${caller} ${method} ${outcome} ${rule}`, firstAt, calls);
  return facts;
}

describe('traffic over the limits of every kind, recorded by a gateway', () => {
  it('was refused by hundreds, of every kind', () => {
    const outcomes = Map.groupBy(lines, ({ outcome }) => outcome);
    expect(outcomes.get('exceeded')!.length).toBeGreaterThan(100);
    expect(outcomes.get('quota')!.length).toBeGreaterThan(10);
    expect(outcomes.get('failed')!.length).toBeGreaterThan(10);
    const rules = [
      'default',
      'group:logs',
      'method:eth_chainId',
      'key:default',
      'ceiling:address',
      'ceiling:all',
    ];
    expect([...new Set(lines.map(({ policy }) => policy))]).toEqual(expect.arrayContaining(rules));
    expect(lines.filter(({ shadow }) => shadow !== undefined).length).toBeGreaterThan(5);
  });

  it('is refused alike, call for call, under the config that was running', async () => {
    const { code, stdout, stderr } = await polymorph(
      'simulate',
      'polymorph.yaml',
      '--log',
      'access.log',
      '--json',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as SimulationReport;
    expect(report.lines.calls).toBe(
      lines.filter((line) => line['method'] !== '' && line['callerKind'] !== 'unknown').length,
    );
    expect(report.refused).toBe(report.refusedThen);
    expect(simulated(report)).toEqual(recorded());
    const badKeys = lines.filter(({ callerKind }) => callerKind === 'unknown').length;
    expect(badKeys).toBeGreaterThan(5);
    const byBan = lines.filter(
      ({ refusal, reason, callerKind }) =>
        refusal === 'forbidden' && String(reason).startsWith('address banned') && callerKind !== 'unknown',
    ).length;
    expect(byBan).toBeGreaterThan(8);
    expect(report.notes).toEqual([
      `${byBan} calls were refused by a ban, and are here too: bans are taken from the log, none is made or lifted.`,
      `${badKeys} calls with an unknown, disabled or expired key were left out.`,
    ]);
    expect(report.refusedThen).toBeGreaterThan(
      lines.filter(({ outcome }) => outcome === 'exceeded').length + byBan,
    );
  });

  it('says for people who would be limited by another config, from a log that was packed away', async () => {
    const strict = {
      ...config(node.url),
      blocklist: { allow: [banned] },
      limits: { default: { requests: 5, period: '24h' } },
    };
    await writeFile(join(program.folder, 'other.yaml'), JSON.stringify(strict));
    await writeFile(`${log}.1.gz`, gzipSync(program.output()));
    const { code, stdout, stderr } = await polymorph('simulate', 'other.yaml', '--log', 'access.log.1.gz');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('address banned');
    expect(stdout).not.toContain('denied by the blocklist');
    expect(stdout).toMatch(/refused by other\.yaml +[\d,]+ +\d/);
    expect(stdout).toMatch(/^198\.51\.100\.1 +eth_getLogs .* default$/m);
    expect(stdout).toMatch(/^key:own +admin_peers .* blocked: admin_\*$/m);
  });
});
