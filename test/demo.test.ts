import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noAnvil } from './anvil.ts';
import { endWithUs, ownEnvironment } from './program.ts';

/** `start` with nothing at all, as somebody who has just cloned the project runs it, and what it says to try. */

const command = join(import.meta.dirname, '../bin/polymorph');
const start = [command, 'start', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
const run = promisify(execFile);
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const noProcesses = !existsSync('/proc/self/stat') && 'this system has no /proc to look for processes in';

interface Demo {
  child: ChildProcess;
  /** An empty working directory, and the place for temporary files. */
  cwd: string;
  temporary: string;
  /** All that was printed so far. */
  printed(): string;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs the demo and resolves when it has said all it has to say. */
async function startDemo(file: string, args: readonly string[]): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-demo-test-'));
  const [cwd, temporary] = [mkdtempSync(join(folder, 'cwd-')), mkdtempSync(join(folder, 'tmp-'))];
  const env = {
    ...ownEnvironment(),
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    TMPDIR: temporary,
    TERM: 'xterm',
    SHELL: '/bin/sh',
    NO_COLOR: '',
  };
  // A process group of its own, as a shell gives it to what it runs.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const release = endWithUs(child.pid as number);
  let text = '';
  const ended = once(child, 'close').then(([code, signal]) => {
    release();
    return { code, signal };
  });
  await new Promise<void>((resolve, reject) => {
    const add = (chunk: string) => {
      text += chunk;
      if (text.includes('Ctrl-C ends everything')) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    void ended.then(() => reject(new Error(`the demo ended:\n${text}`)));
  });
  return { child, cwd, temporary, printed: () => text, ended };
}

/** All descendants of a process. */
function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // The name, in brackets, may have anything in it.
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1) as string;
        return [{ pid: Number(name), parent: Number(fields.split(' ')[1]) }];
      } catch {
        return [];
      }
    });
  const found = [pid];
  for (const one of found)
    found.push(...parents.filter(({ parent }) => parent === one).map(({ pid }) => pid));
  return found.slice(1);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Waits until none of them is there any more; a process that was ended takes a moment to be gone. */
async function expectGone(commands: ReadonlyMap<number, string>): Promise<void> {
  const left = () => [...commands].filter(([pid, command]) => commandOf(pid) === command);
  const deadline = performance.now() + 3_000;
  while (left().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(left()).toEqual([]);
}

describe.skipIf(noAnvil)(`the demo${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  let demo: Demo;
  let lines: string[];
  const noCurl = !has('curl') && 'curl is not installed';
  const sh = async (line: string): Promise<string> =>
    (await run('sh', ['-c', line], { env: { ...process.env, NO_PROXY: '*', no_proxy: '*' } })).stdout;

  beforeAll(async () => {
    demo = await startDemo(start[0] as string, start.slice(1));
    lines = demo
      .printed()
      .split('\n')
      .map((line) => line.trim());
  });
  afterAll(async () => {
    demo.child.kill('SIGKILL');
    await demo.ended;
    rmSync(dirname(demo.cwd), { recursive: true, force: true });
  });

  test('prints the address, a key, three curl lines and how to go on', () => {
    const printed = demo.printed();
    expect(printed).toMatch(
      /^ +address +http:\/\/127\.0\.0\.1:(\d+) {2}\(and ws:\/\/127\.0\.0\.1:\1 for eth_subscribe\)$/m,
    );
    expect(printed).toMatch(/^ +key +pp_live_[A-Za-z0-9]{22,} /m);
    expect(lines.filter((line) => line.includes('curl '))).toHaveLength(3);
    expect(printed).toContain('npm start -- --upstream ');
    expect(printed).toContain('npm start -- --config ');
    // Not to a terminal: without colour.
    expect(printed).not.toContain('\u001b[');
  });

  describe.skipIf(noCurl)(noCurl || 'its curl lines, run as they stand', () => {
    test('a call', async () => {
      const line = lines.find((text) => text.includes('x-api-key'));
      expect(JSON.parse(await sh(line as string))).toMatchObject({
        jsonrpc: '2.0',
        id: 1,
        result: expect.stringMatching(/^0x/),
      });
    });

    test('a call that is limited, and why, by its request id', async () => {
      const line = lines.find((text) => text.startsWith('for '));
      const answers = (await sh(line as string))
        .trim()
        .split('\n')
        .map(
          (text) => JSON.parse(text) as { id: number; result?: string; error?: { code: number; data: any } },
        );
      expect(answers.map(({ id }) => id)).toEqual(answers.map((_, index) => index + 1));
      const refused = answers.filter(({ error }) => error !== undefined);
      expect(refused.length).toBeGreaterThan(0);
      expect(answers[0]).toHaveProperty('result');
      expect(refused[0]?.error).toMatchObject({ code: -32005, data: { policy: 'method:eth_gasPrice' } });
      const status = await sh(
        (line as string).replaceAll('curl -s', "curl -s -o /dev/null -w '%{http_code}'"),
      );
      expect(status).toContain('429');

      const explain = lines.find((text) => text.startsWith('bin/polymorph explain ')) as string;
      const asked = explain
        .replace('bin/polymorph', `'${process.execPath}' '${join(command, '../../src/main.ts')}'`)
        .replace('REQUEST_ID', refused[0]?.error?.data.requestId);
      expect(await sh(asked)).toContain('method:eth_gasPrice');
    });

    test('an explain', async () => {
      const line = lines.find((text) => text.includes('/explain '));
      const explained = await sh(line as string);
      expect(JSON.parse(explained)).toBeTypeOf('object');
      expect(explained).toContain('method:eth_gasPrice');
    });
  });

  test.skipIf(noProcesses)(
    `Ctrl-C ends everything it started${noProcesses ? `: ${noProcesses}` : ''}`,
    async () => {
      const started = [demo.child.pid as number, ...descendantsOf(demo.child.pid as number)];
      const commands = new Map(started.map((pid) => [pid, commandOf(pid)]));
      expect([...commands.values()].some((text) => text.includes('anvil'))).toBe(true);
      // The terminal sends it to the whole group.
      process.kill(-(demo.child.pid as number), 'SIGINT');
      expect(await demo.ended).toEqual({ code: 0, signal: null });
      await expectGone(commands);
      expect(readdirSync(demo.cwd)).toEqual([]);
      expect(readdirSync(demo.temporary).filter((name) => name.startsWith('polymorph'))).toEqual([]);
    },
  );
});

/** `script` as Debian has it gives a command a terminal of its own. */
const noTerminal =
  noAnvil ||
  noProcesses ||
  ((process.platform !== 'linux' || !has('script')) && 'no `script` to make a terminal with');

describe.skipIf(noTerminal)(`the demo on a terminal${noTerminal ? `: ${noTerminal}` : ''}`, () => {
  test('is in colour, and ends with the key Ctrl-C', async () => {
    // By npm, as the README says it: between it and the program stands a shell, which gets the key as well.
    const line = `exec npm --prefix '${join(import.meta.dirname, '..')}' start -- ${start.slice(2).join(' ')}`;
    const demo = await startDemo('script', ['-qefc', line, '/dev/null']);
    const commands = new Map(descendantsOf(demo.child.pid as number).map((pid) => [pid, commandOf(pid)]));
    expect([...commands.values()].some((text) => text.includes('anvil'))).toBe(true);
    expect(demo.printed()).toMatch(/\u001b\[36mcurl -s/);
    demo.child.stdin?.write('\u0003');
    expect((await demo.ended).code).toBe(0);
    await expectGone(commands);
    rmSync(dirname(demo.cwd), { recursive: true, force: true });
  });
});
