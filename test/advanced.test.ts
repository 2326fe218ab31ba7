import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, noAnvil, startAnvil } from './anvil.ts';
import { ownEnvironment, startProgram } from './program.ts';

const script = fileURLToPath(new URL('../test_advanced.sh', import.meta.url));
const page = new URL('../docs/ADVANCED_FEATURES.md', import.meta.url);
const wholeRunMs = 180_000;

/** Where runs of this file keep what they need: whatever is there afterwards was left behind. */
let temporary: string;
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'polymorph-test-'));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

interface Run {
  code: number | null;
  output: string;
}

function begin(...args: string[]): { child: ChildProcess; output: () => string; ended: Promise<Run> } {
  const child = spawn(script, args, {
    env: { ...ownEnvironment(), TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
    // As a shell starts what is typed: Ctrl-C reaches the whole group.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, output: () => output, ended };
}

const run = (...args: string[]): Promise<Run> => begin(...args).ended;

/** Command lines of processes that have to do with a run's folder. */
async function leftRunning(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/environ`, 'latin1').then(
        (environment) =>
          environment.includes(`TMPDIR=${temporary}`) ? readFile(`/proc/${pid}/cmdline`, 'latin1') : '',
        () => '',
      ),
    ),
  );
  return lines.filter((line) => line !== '').map((line) => line.replaceAll('\0', ' '));
}

/** Features that a gateway can be asked for without a config of its own. */
async function listed(): Promise<{ name: string; anywhere: boolean }[]> {
  const { code, output } = await run('--list');
  expect(code).toBe(0);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => ({ name: line.split(' ')[0] as string, anywhere: line.slice(21, 22) === '*' }));
}

describe('test_advanced.sh', () => {
  it.skipIf(noAnvil)(
    'shows every feature, says what each proves, and leaves nothing behind',
    async () => {
      const names = (await listed()).map(({ name }) => name);
      const { code, output } = await run();
      expect([code, output]).toEqual([0, expect.stringContaining('features held')]);
      const redis = (process.env['PATH'] ?? '')
        .split(delimiter)
        .some((folder) => existsSync(join(folder, 'redis-server')));
      const held = redis ? names : names.filter((name) => name !== 'many-instances');
      const sections = output.split(/^\[\d+\/\d+\] /m).slice(1);
      expect(sections.map((section) => section.split(' ')[0])).toEqual(names);
      const shown = sections.filter((section) =>
        /\n {2}done {5}\S[^]*\n {2}answer {3}\S[^]*\n {2}proves {3}\S[^]*\n {2}ok\n/.test(section),
      );
      expect(shown.map((section) => section.split(' ')[0])).toEqual(held);
      if (!redis) expect(output).toMatch(/left-out needs a redis-server/);
      expect(output).toContain(`\n${held.length} of ${names.length} features held`);
      expect(output).not.toContain('\u001b');
      expect([await leftRunning(), await readdir(temporary)]).toEqual([[], []]);
    },
    wholeRunMs,
  );

  it('ends with 0, 1 or 2, and says why', async () => {
    expect(await run('--only', 'nothing')).toMatchObject({
      code: 2,
      output: expect.stringContaining('no feature is called nothing'),
    });
    expect((await run('--gateway', 'http://127.0.0.1:1')).code).toBe(2);
    expect((await run('--frobnicate')).code).toBe(2);
    const nobody = await run('--gateway', 'http://127.0.0.1:1', '--admin', 'http://127.0.0.1:1');
    expect(nobody.code).toBe(1);
    expect(nobody.output).toMatch(/\nFAILED: rate-limit-headers \(/);
    expect(await readdir(temporary)).toEqual([]);
  });

  describe.skipIf(noAnvil)('beside a running gateway', () => {
    let node: Anvil;
    beforeAll(async () => {
      node = await startAnvil(['--block-time', '1']);
    });
    afterAll(() => node.stop());

    it('names the first feature that does not hold: WebSockets are turned off here', async () => {
      const features = await listed();
      const before = features.slice(
        0,
        features.findIndex(({ name }) => name === 'websocket'),
      );
      const program = await startProgram({
        config: {
          server: { workers: 1, state_dir: 'none' },
          upstreams: [{ url: node.url }],
          websocket: { enabled: false },
        },
      });
      try {
        const { code, output } = await run('--gateway', program.url, '--admin', program.adminUrl);
        expect([code, output]).toEqual([1, expect.stringContaining('FAILED')]);
        expect(output).toMatch(/\n {2}FAILED {3}newHeads at ws:[^\n]*\n[^]*\nFAILED: websocket \(/);
        const sections = output.split(/^\[\d+\/\d+\] /m).slice(1);
        const endings = before.map(({ anywhere }) => (anywhere ? 'ok' : 'left-out'));
        expect(
          sections.slice(0, -1).map((section) => (/^ {2}(ok|left-out)/m.exec(section) ?? [])[1]),
        ).toEqual(endings);
        expect(endings).toContain('ok');
      } finally {
        await program.stop();
      }
    });
  });

  it.skipIf(noAnvil)('ends everything on Ctrl-C', async () => {
    const { child, output, ended } = begin('--only', 'failover');
    await expect.poll(output, { timeout: 60_000, interval: 50 }).toContain('done ');
    expect((await leftRunning()).length).toBeGreaterThan(4);
    process.kill(-(child.pid as number), 'SIGINT');
    expect((await ended).code).toBe(130);
    expect([await leftRunning(), await readdir(temporary)]).toEqual([[], []]);
  });
});

it('the page explains the features that the script shows, in its order', async () => {
  const sections = (await readFile(page, 'utf8')).split(/^## /m).slice(1);
  const tried = sections.map(
    (section) => /^- Try: `\.\/test_advanced\.sh --only ([\w-]+)`/m.exec(section)?.[1],
  );
  expect(tried).toEqual((await listed()).map(({ name }) => name));
  for (const section of sections)
    expect(section).toMatch(/^```yaml[^]*^- Guaranteed: [^]*^- Not: [^]*^- More: \S/m);
});
