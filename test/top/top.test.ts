import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/commands/top/sample.ts';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { startLoad } from '../behaviour/load.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { mainFile, ownEnvironment, type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { type OnTerminal, runOnTerminal } from './terminal.ts';

const key = 'top-secret-key-of-many-letters';
let node: FakeUpstream;
let program: Program;
let load: ReturnType<typeof startLoad>;
let strangers: ReturnType<typeof startLoad>;

beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 1, state_dir: 'none' },
      upstreams: [{ url: node.url }],
      limits: {
        default: { requests: 5, period: '1s' },
        methods: { m: { requests: 1, period: '1h', mode: 'shadow' } },
      },
      keys: [{ name: 'acme', key, limits: { default: { requests: 10_000, period: '1s' } } }],
    },
  });
  load = startLoad(program.port, { connections: 2, headers: { 'x-api-key': key }, pauseMs: 10 });
  strangers = startLoad(program.port, { connections: 1, pauseMs: 20 });
  await send(program.port, { headers: { 'x-api-key': key }, body: callText('eth_\\u001b[31mred') });
});
afterAll(async () => {
  await Promise.all([load.stop(), strangers.stop()]);
  await program.kill();
  await node.close();
});

const top = (args: readonly string[] = [], options: Parameters<typeof runOnTerminal>[1] = {}): OnTerminal =>
  runOnTerminal(['top', '--admin', program.adminUrl, '--interval', '200ms', ...args], options);

const asItWas = { echo: true, lines: true };

describe('polymorph top on a terminal', () => {
  it('shows callers and methods at 80 × 24, sorts by a key, and puts the terminal back at q', async () => {
    const terminal = top();
    const text = await terminal.shows((all) => /^acme +\d+.*\d$/m.test(all) && all.includes('█'));
    expect(text).toMatch(/^polymorph top {2}127\.0\.0\.1:\d+ {2}up \d+s .* \d\d:\d\d:\d\d UTC$/m);
    expect(text).toMatch(/^calls \d/m);
    expect(text).toMatch(/^! refused [\d.]+\/s \([\d.]+%\)/m);
    expect(text).toMatch(/^CALLER +calls\/sv +refused\/s +cost\/s +bytes\/s +mean ms$/m);
    expect(text).toMatch(/^127\.0\.0\.1 +[\d.]+ +! [\d.]+ /m);
    expect(text).toMatch(/^METHOD +calls\/sv/m);
    expect(text).toContain('q quit');
    expect(text.indexOf('acme')).toBeLessThan(text.indexOf('127.0.0.1 '));
    expect([terminal.screen.lines().length, terminal.screen.overflowed, terminal.screen.cursor]).toEqual([
      24,
      false,
      false,
    ]);
    expect(terminal.screen.colours.size).toBeGreaterThan(0);

    terminal.strike('r');
    const bySort = await terminal.shows(
      (all) => all.includes('refused/sv') && /^127\.0\.0\.1[^]*^acme/m.test(all),
    );
    expect(bySort).not.toContain('calls/sv');
    terminal.strike('\u001b[C');
    await terminal.shows((all) => all.includes('cost/sv'));
    terminal.strike('p');
    await terminal.shows((all) => all.includes('PAUSED'));

    terminal.strike('q');
    expect(await terminal.ended).toEqual({ code: 0, ...asItWas });
    expect([terminal.screen.alternate, terminal.screen.cursor]).toEqual([false, true]);
    expect(terminal.output()).not.toContain(key);
    expect(terminal.output()).not.toContain('\u001b[31m');
  });

  it('follows the terminal’s size, and has no colour where NO_COLOR is set', async () => {
    const terminal = top([], { env: { NO_COLOR: '1' } });
    await terminal.shows((all) => all.includes('acme'));
    terminal.resize(12, 50);
    const small = await terminal.shows((all) => all.includes('acme') && all.includes('METHOD'));
    expect(terminal.screen.lines().length).toBe(12);
    expect(Math.max(...small.split('\n').map((line) => line.length))).toBeLessThanOrEqual(50);
    terminal.resize(30, 120);
    await terminal.shows((all) => all.includes('acme') && terminal.screen.lines().length === 30);
    expect([terminal.screen.overflowed, terminal.screen.colours.size]).toEqual([false, 0]);
    terminal.strike('\u0003');
    expect(await terminal.ended).toEqual({ code: 0, ...asItWas });
  });

  it.each([
    ['SIGTERM', 15, 143],
    ['SIGHUP', 1, 129],
  ])('puts it back on %s', async (_, number, code) => {
    const terminal = top();
    await terminal.shows((all) => all.includes('acme'));
    terminal.signal(number);
    expect(await terminal.ended).toEqual({ code, ...asItWas });
    expect([terminal.screen.alternate, terminal.screen.cursor]).toEqual([false, true]);
  });

  it('puts it back when it crashes, and the reason is there to read', async () => {
    const crash = 'data:text/javascript,process.on(`SIGUSR2`,()=>{throw new Error(/struck-by-lightning/)})';
    const terminal = top([], { env: { NODE_OPTIONS: `--import ${crash.replaceAll(' ', '%20')}` } });
    await terminal.shows((all) => all.includes('acme'));
    terminal.signal(12);
    expect(await terminal.ended).toEqual({ code: 1, ...asItWas });
    expect(terminal.screen.alternate).toBe(false);
    expect(terminal.output().split('\u001b[?1049l').at(-1)).toContain('struck-by-lightning');
  });

  it('goes on where the gateway is gone, and says so', async () => {
    const other = await startProgram({
      config: { ...quiet, upstreams: [{ url: node.url }], server: { workers: 1 } },
    });
    const terminal = top(['--admin', other.adminUrl]);
    await terminal.shows((all) => all.includes('METHOD'));
    await other.kill();
    await terminal.shows((all) => all.includes('! Cannot reach the admin listener'));
    terminal.strike('q');
    expect(await terminal.ended).toEqual({ code: 0, ...asItWas });
  });
});

describe('polymorph top without a terminal', () => {
  const run = async (...args: string[]): Promise<string> => {
    const child = spawn(
      process.execPath,
      [mainFile, 'top', '--admin', program.adminUrl, '--interval', '300ms', ...args],
      {
        env: ownEnvironment(),
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    return output;
  };

  it('prints once', async () => {
    const text = await run('--sort', 'refused');
    expect(text).toMatch(
      /^CALLER +calls\/s +refused\/sv +cost\/s +bytes\/s +mean ms\n127\.0\.0\.1 .*\nacme /m,
    );
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('quit');
  });

  it('prints JSON', async () => {
    const frame = JSON.parse(await run('--json')) as Frame;
    expect(frame.seconds).toBeGreaterThan(0.2);
    expect(frame.callers.map(({ name }) => name)).toEqual(['acme', '127.0.0.1']);
    expect(frame.callers[0]!.calls).toBeGreaterThan(1);
    // The three are read one after the other.
    const [all, both] = [frame.totals.calls, frame.callers[0]!.calls! + frame.callers[1]!.calls!];
    expect(Math.abs(all - both) / all).toBeLessThan(0.5);
    expect(frame.methods.map(({ name }) => name)).toContain('other');
    expect(frame.shadow).toEqual([{ rule: 'method:m', wouldRefuse: expect.any(Number) }]);
  });

  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^polymorph top\b(.*)$/gm)].map(([, args = '']) => args.trim());

  it.each(shown)('docs/operations.md: polymorph top %s', async (args) => {
    expect(await run(...args.split(' ').filter(Boolean))).toContain('acme');
  });

  it('has commands to run', () => expect(shown).toHaveLength(4));
});
