import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { configKeyId, uuidText } from '../identity/index.ts';
import type { SimulationReport } from './simulate/report.ts';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'polymorph-simulate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string | Buffer): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
write(
  'new.yaml',
  `upstreams: [{ url: 'http://127.0.0.1:8545' }]
limits: { default: { requests: 2, period: 10s }, methods: { probe: { requests: 1, period: 10s, mode: shadow } } }
keys: [{ name: acme, key: acme-acme-acme-acme-acme-acme, limits: { default: { requests: 3, period: 10s } } }]
`,
);
const acme = uuidText(configKeyId('acme'));
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 28, 12) + seconds * 1000).toISOString();
const line = (seconds: number, fields: object = {}): string =>
  `${JSON.stringify({
    ...{ level: 'info', time: at(seconds), kind: 'access', worker: 0, at: at(seconds).replace('Z', '000Z') },
    ...{ network: 'default', method: 'm', caller: '192.0.2.1', callerKind: 'address', address: '192.0.2.1' },
    ...{ outcome: 'allowed', cost: 1, ms: 1, msg: 'call', ...fields },
  })}\n`;

async function simulate(
  ...args: string[]
): Promise<{ code: number; stderr: string; report: SimulationReport }> {
  const { stdout, stderr, code } = await runCommand(folder, ['simulate', 'new.yaml', '--json', ...args]);
  return { code, stderr, report: JSON.parse(stdout) as SimulationReport };
}

test('who would be limited, when first, by which rule', async () => {
  const key = { caller: 'key:whatever', callerKind: 'key', keyId: acme };
  const lines = [0, 1, 2, 3, 4].flatMap((second) => [
    line(second),
    line(second, key),
    line(second, { method: 'probe' }),
  ]);
  const log = write('a.log', `{"level":"info","msg":"serving"}\n${lines.join('')}`);
  const { code, report } = await simulate('--log', log);
  expect(code).toBe(0);
  expect(report).toMatchObject({ calls: 15, refused: 9, refusedThen: 0, from: at(0), to: at(4), notes: [] });
  expect(report.lines).toEqual({ calls: 15, other: 1, bad: 0 });
  const [one, two, three] = report.limited;
  // The address' bucket is one for both methods: m and probe take what there is, and a fifth of a token a second.
  expect([one, two].map((row) => [row?.caller, row?.refused])).toEqual([
    ['192.0.2.1', 4],
    ['192.0.2.1', 4],
  ]);
  expect(three).toEqual({
    ...{ caller: 'key:acme', unknownKey: false, method: 'm', calls: 5, cost: 5, refusedThen: 0, refused: 1 },
    ...{ refusedCost: 1, firstAt: at(3) },
    rules: [{ outcome: 'exceeded', rule: 'key:default', calls: 1, cost: 1, firstAt: at(3) }],
  });
});

test('lines that cannot be read are named and counted, and the rest goes on', async () => {
  const text = `${line(0)}{"kind":\n${line(1, { at: 'noon', time: 'noon' })}${line(2, { method: 7 })}call GET /\n${line(3)}`;
  const { code, report } = await simulate('--log', write('bad.log', text));
  expect(code).toBe(1);
  expect(report.lines).toEqual({ calls: 2, other: 0, bad: 4 });
  expect(report.problems).toEqual([
    'bad.log:2: not JSON: "{\\"kind\\":"',
    'bad.log:3: no time of the call (at)',
    'bad.log:4: no method',
    'bad.log:5: not JSON: "call GET /"',
  ]);
});

test('a log of the older form, packed; from and to; keys that the config has not', async () => {
  const old = (seconds: number): string =>
    line(seconds, {
      at: undefined,
      callerKind: undefined,
      caller: 'key:AbCdEfGh',
      ms: 500,
      outcome: 'exceeded',
    });
  const log = write('old.log.gz', gzipSync([0, 1, 2, 3, 4, 5].map(old).join('')));
  const { code, report } = await simulate('--log', log, '--from', at(1), '--to', at(5));
  expect(code).toBe(0);
  expect(report).toMatchObject({ calls: 4, refusedThen: 4, refused: 2, from: at(1.5), to: at(4.5) });
  expect(report.limited).toMatchObject([{ caller: 'key:AbCdEfGh', unknownKey: true, refused: 2 }]);
  expect(report.notes).toEqual([
    '1 of the keys (4 calls) are not in the config: limited as keys without limits of their own.',
  ]);
});

test('rows of usage_logs as CSV and as JSON lines', async () => {
  const rows = [0, 1, 2, 3].map((second) => ({
    api_key_id: acme,
    method: 'm',
    status: 'exceeded',
    timestamp: at(second),
  }));
  const none = { api_key_id: null, method: 'm', status: 'allowed', timestamp: at(4) };
  const json = write('rows.jsonl', [...rows, none].map((row) => JSON.stringify(row)).join('\n'));
  const csv = write(
    'rows.csv',
    `api_key_id,method,status,timestamp\n${rows.map((row) => Object.values(row).join()).join('\n')}\n,m,allowed,${at(4)}\n`,
  );
  const [a, b] = [await simulate('--log', json), await simulate('--log', csv)];
  expect({ ...a.report, logs: [] }).toEqual({ ...b.report, logs: [] });
  expect(a.report).toMatchObject({ calls: 4, refused: 1, refusedThen: 4 });
  expect(a.report.notes).toEqual(['1 calls without a key were left out: usage_logs has no addresses.']);
});

test('a sample is scaled, and what is missing is said', async () => {
  const lines = [0, 10, 20, 30].map((second) =>
    line(second, { sample: 0.5, linesDropped: second === 30 ? 7 : undefined }),
  );
  const { report } = await simulate('--log', write('sample.log', lines.join('')));
  expect(report.calls).toBe(8);
  expect(report.notes).toEqual([
    'The log is a sample: 4 lines stand for 8 calls, taken as evenly spread; all figures are estimates.',
    '7 lines are missing, since a worker had more calls than logging.access_max_per_second: refusals are too few.',
  ]);
  const whole = await simulate(
    '--sample',
    '50%',
    '--log',
    write('whole.log', [0, 10].map((s) => line(s)).join('')),
  );
  expect(whole.report.calls).toBe(4);
});

test.each([
  [['--log', 'none.log'], 2, /^Cannot read .*none\.log: ENOENT/],
  [['--log', '.'], 2, /^Cannot read .*EISDIR/],
  [[], 2, /Name the recorded traffic: --log FILE/],
  [['--log', 'new.yaml', '--from', 'noon'], 2, /Expected a time such as/],
  [['--log', 'new.yaml', '--sample', '0'], 2, /Expected a share above 0/],
])('%j ends with %i', async (args, code, says) => {
  const ran = await runCommand(folder, ['simulate', 'new.yaml', ...args]);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toMatch(says);
});

test('a log without calls', async () => {
  const { stdout, code } = await runCommand(folder, [
    'simulate',
    'new.yaml',
    '--log',
    write('empty.log', ''),
  ]);
  expect({ stdout, code }).toEqual({ stdout: 'No calls were found to replay.\n', code: 1 });
});

test('refusals by address: a ban is taken from the log, a list is the new config’s', async () => {
  const by = (reason: string) => ({ outcome: 'refused', refusal: 'forbidden', reason, cost: 0 });
  const banned = [0, 1, 2, 3].map((s) => line(s, by('address banned: 192.0.2.1')));
  const listed = [4, 5, 6].map((s) => line(s, by('address denied by the blocklist: 192.0.2.1')));
  const { report } = await simulate('--log', write('forbidden.log', [...banned, ...listed].join('')));
  // The banned took nothing: two of the three that the new config does not deny have room.
  expect(report).toMatchObject({ calls: 7, refusedThen: 7, refused: 5 });
  expect(report.limited[0]!.rules.map(({ outcome, calls }) => [outcome, calls])).toEqual([
    ['denied', 4],
    ['exceeded', 1],
  ]);
  expect(report.notes).toEqual([expect.stringMatching(/^4 calls were refused by a ban/)]);
});
