import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, runWell } from './testing/run-command.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('blocklist.md', docs), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

let cwd = '';
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-blocklist-'));
  writeFileSync(join(cwd, 'polymorph.yaml'), blocks('yaml')[0] ?? '');
  writeFileSync(join(cwd, 'denied.txt'), '192.0.2.0/24 # scanners\n');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('docs/blocklist.md', () => {
  const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'));

  test('has commands', () => expect(lines.length).toBeGreaterThanOrEqual(8));

  // In their order: each finds what those before have made.
  test.each(lines.map((line) => [line]))('%s', async (line) => {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, one, two]) => one ?? two ?? '');
    expect(words[0]).toBe('polymorph');
    expect(await runWell(cwd, words.slice(1))).not.toBe('');
  });
});

describe('polymorph blocklist, without a gateway,', () => {
  const blocklist = (...args: string[]) => runCommand(cwd, ['blocklist', ...args]);
  const tested = async (address: string) =>
    JSON.parse(await runWell(cwd, ['blocklist', 'test', address, '--json']));

  test('says which entry decides', async () => {
    expect(await tested('198.51.100.8')).toMatchObject({
      refused: true,
      by: { list: 'deny', entry: '198.51.100.0/24', source: 'blocklist.deny[0]' },
    });
    expect(await tested('198.51.100.7')).toMatchObject({
      refused: false,
      by: { list: 'allow', entry: '198.51.100.7', source: 'blocklist.allow[0]' },
    });
    expect(await tested('192.0.2.55')).toMatchObject({
      by: { list: 'deny', source: join(cwd, 'denied.txt:1') },
    });
    expect(await tested('2001:db8:77:1::2')).toMatchObject({
      refused: true,
      by: { list: 'ban', address: '2001:db8:77::/48', until: null },
    });
    expect(await tested('203.0.113.9')).toMatchObject({ refused: false, by: null });
  });

  test('counts repeats and replaces a ban of the same network', async () => {
    await runWell(cwd, ['blocklist', 'add', '203.0.113.9', '--for', '1h']);
    await runWell(cwd, ['blocklist', 'add', '203.0.113.9', '--reason', 'again']);
    const { bans, total } = JSON.parse(await runWell(cwd, ['blocklist', 'list', '--json']));
    expect(total).toBe(2);
    expect(bans[1]).toMatchObject({ address: '203.0.113.9', times: 3, until: null, reason: 'again' });
    expect((await blocklist('remove', '203.0.113.9')).code).toBe(0);
  });

  test('asks before it locks out a trusted proxy or an SSH client', async () => {
    expect(await blocklist('add', '10.0.0.0/7')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not banned: it holds the trusted proxy 10\.0\.0\.0\/8.*--force/),
    });
    expect((await blocklist('add', '198.51.100.0/24')).stdout).toBe(
      'Banned 198.51.100.0/24 until it is removed.\n',
    );
    expect((await blocklist('add', '198.51.100.7')).stdout).toMatch(
      /Note: 198\.51\.100\.7 is on the allow-list/,
    );
  });

  test.each([
    [['add', '10.1.2.3/8'], 2, /address: found "10\.1\.2\.3\/8", has bits set after the prefix/],
    [['add', 'example.com'], 2, /not a network/],
    [['add', '192.0.2.1', '--for', 'soon'], 2, /Expected a duration/],
    [['add', '192.0.2.1', '--for', '10ms'], 2, /Expected a duration/],
    [['test', '192.0.2.0/24'], 2, /expected one IPv4 or IPv6 address/],
    [
      ['remove', '192.0.2.77'],
      1,
      /There is no ban of 192\.0\.2\.77; 192\.0\.2\.0\/24 is denied in .*denied\.txt:1\./,
    ],
  ])('%j exits with %i', async (args, code, text) => {
    const ran = await blocklist(...args);
    expect({ ...ran, stdout: '' }).toMatchObject({ code, stderr: expect.stringMatching(text) });
  });
});

test('polymorph blocklist, without a store and a gateway, says that nobody answers', async () => {
  const config = join(cwd, 'none.yaml');
  writeFileSync(
    config,
    'upstreams: [{ url: "http://127.0.0.1:8545" }]\nstore: none\nadmin: { listen: "127.0.0.1:9" }\n',
  );
  expect(await runCommand(cwd, ['blocklist', 'list', '--config', config])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Cannot reach the admin listener at http:\/\/127\.0\.0\.1:9/),
  });
});

test('polymorph blocklist, where nothing is named and no config is here, asks the gateway at the usual place', async () => {
  const empty = mkdtempSync(join(cwd, 'empty-'));
  const { code, stdout, stderr } = await runCommand(empty, ['blocklist', 'list', '--json']);
  // One may run on this machine.
  if (code === 0) expect(JSON.parse(stdout)).toHaveProperty('bans');
  else expect(stderr).toContain('http://127.0.0.1:9540');
});
