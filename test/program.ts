import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ProgramOptions {
  /** The config: text as it stands in the file, or a value written as JSON, which YAML contains. */
  config: object | string;
  /** Further arguments of `start`. `--listen` and `--admin-listen` are free ports of 127.0.0.1 unless given here. */
  args?: readonly string[];
  /** Added to the environment, which is otherwise this process's own without what only the test runner needs. */
  env?: Readonly<Record<string, string>>;
  /** Where the config and the kept state are; left in place afterwards. Default: a temporary folder, removed. */
  folder?: string;
  /** In a process group of its own, all of which `kill()` ends. */
  group?: boolean;
}

/** A line of the program's JSON log. */
export interface LogLine {
  level: string;
  time: string;
  msg: string;
  [field: string]: unknown;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The real program, started from source as a process of its own. */
export interface Program {
  /** Of the public listener, without a slash at the end: `http://127.0.0.1:40001`. */
  readonly url: string;
  /** Of the admin listener; '' where it is turned off. */
  readonly adminUrl: string;
  /** Of the public listener. */
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  readonly configFile: string;
  /** All log lines so far, in order. */
  logs(): LogLine[];
  /** Everything written to standard output and standard error so far. */
  output(): string;
  /**
   * Resolves with the first log line whose text matches, also one already written; `from` is the index in `logs()`
   * to begin at. Rejects when the program ends or a minute has passed without one: the machine may be crowded.
   */
  waitFor(pattern: RegExp | string, from?: number): Promise<LogLine>;
  /**
   * Replaces the config file as an editor does, by a rename, and resolves with the line that says what came of it:
   * `config reloaded …` or `config not reloaded …`.
   */
  reload(config: object | string): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it has ended, by whatever cause. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, and waits for the end; rejects where that takes over a minute. Removes the folder. May be called twice. */
  stop(): Promise<Exit>;
  /** SIGKILL, of the whole group where it has one, and waits for the end. Removes the folder. */
  kill(): Promise<Exit>;
}

/** The program's command line, to be run by Node. */
export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const patienceMs = 60_000;

/** Beside others that look for free ports at the same time. */
const PORT_TRIES = 3;

/** Runs `polymorph start` with this config and resolves when it serves. Rejects with its output if it does not in 60 s. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // A port that the system chose is free for a moment before a worker listens there: another test may have been faster.
      const lostPort = !isGiven('--listen', options.args) && /^port taken: /m.test(String(error));
      if (!lostPort || tries === PORT_TRIES) throw error;
    }
  }
}

async function startOnce({
  config,
  args = [],
  env = {},
  folder,
  group = false,
}: ProgramOptions): Promise<Program> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'polymorph-test-')));
  const configFile = join(home, 'polymorph.yaml');
  let written = textOf(config);
  await writeFile(configFile, written);

  const process_ = spawn(process.execPath, [mainFile, ...startArguments(configFile, args)], {
    cwd: home,
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  });
  const releaseGuard = process_.pid === undefined ? () => {} : endWithUs(process_.pid);
  const log = createLogReader();
  process_.stdout.setEncoding('utf8').on('data', log.add);
  let complaints = '';
  process_.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    process_.once('error', (error) => {
      complaints += error.message;
      resolve({ code: null, signal: null });
    });
    // Not 'exit': what it said last may still be under way then.
    process_.once('close', (code, signal) => resolve({ code, signal }));
  }).then((how) => {
    exit = how;
    releaseGuard();
    log.end(() => new Error(`the program ended (${how.signal ?? `code ${how.code}`}):\n${output()}`));
    return how;
  });
  const output = () => log.text() + complaints;

  const waitFor = (pattern: RegExp | string, from = 0): Promise<LogLine> =>
    within(patienceMs, log.find(pattern, from), () => `no log line matches ${pattern}:\n${output()}`);
  const clear = async (): Promise<void> => {
    if (folder === undefined) await rm(home, { recursive: true, force: true });
  };
  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    if (exit === undefined) {
      if (group && signal === 'SIGKILL') process.kill(-(process_.pid as number), signal);
      else process_.kill(signal);
    }
    const how = await within(patienceMs, exited, () => `still running after ${signal}:\n${output()}`).catch(
      async (error: unknown) => {
        process_.kill('SIGKILL');
        await exited;
        throw error;
      },
    );
    await clear();
    return how;
  };

  let serving: LogLine;
  try {
    serving = await waitFor(/"msg":"serving"/);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  const url = String(serving['url']);
  return {
    url,
    adminUrl: typeof serving['admin'] === 'string' ? serving['admin'] : '',
    port: Number(new URL(url).port),
    pid: process_.pid as number,
    folder: home,
    configFile,
    logs: log.lines,
    output,
    waitFor,
    async reload(next) {
      const text = textOf(next);
      const from = log.lines().length;
      await writeFile(`${configFile}.new`, text);
      await rename(`${configFile}.new`, configFile);
      // The same contents again are no change to a watcher.
      if (text === written || args.includes('--no-watch')) process_.kill('SIGHUP');
      written = text;
      return waitFor(/"msg":"config (?:not )?reloaded/, from);
    },
    signal: (signal) => void process_.kill(signal),
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function textOf(config: object | string): string {
  return typeof config === 'string' ? config : JSON.stringify(config, null, 2);
}

function isGiven(option: string, args: readonly string[] = []): boolean {
  return args.some((one) => one === option || one.startsWith(`${option}=`));
}

function startArguments(configFile: string, args: readonly string[]): string[] {
  const free = ['--listen', '--admin-listen'].flatMap((option) =>
    isGiven(option, args) ? [] : [option, '127.0.0.1:0'],
  );
  return ['start', '--config', configFile, '--log-format', 'json', ...free, ...args];
}

/** What a program under test should see of our environment: nothing of the test runner's but where compiled code is kept. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_OPTIONS$|TEST$)/.test(name));
  return Object.fromEntries(kept);
}

/**
 * Kills `pid` as soon as this process is gone, however it died, so that no run leaves a program behind. The returned
 * function ends the watch; call it once the process has ended.
 */
export function endWithUs(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', 'read -r released || kill -KILL "$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  return () => shell.stdin.end('released\n');
}

/** Rejects with `late()` if `promise` has not settled in time. */
async function within<T>(ms: number, promise: Promise<T>, late: () => string): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`after ${ms / 1000} s: ${late()}`)), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts the log into lines and tells those who wait for one. */
function createLogReader() {
  const texts: string[] = [];
  let rest = '';
  let ended: (() => Error) | undefined;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  return {
    add(chunk: string): void {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      texts.push(...parts);
      wake();
    },
    end(reason: () => Error): void {
      ended = reason;
      wake();
    },
    text: () => [...texts, rest].join('\n'),
    lines: () => texts.map(parsed),
    find: (pattern: RegExp | string, from: number): Promise<LogLine> =>
      new Promise((resolve, reject) => {
        const expression =
          typeof pattern === 'string' ? pattern : new RegExp(pattern, pattern.flags.replace('g', ''));
        let next = from;
        const look = () => {
          for (; next < texts.length; next += 1) {
            const text = texts[next] as string;
            if (typeof expression === 'string' ? !text.includes(expression) : !expression.test(text))
              continue;
            waiting.delete(look);
            resolve(parsed(text));
            return;
          }
          if (ended === undefined) return;
          waiting.delete(look);
          reject(ended());
        };
        waiting.add(look);
        look();
      }),
  };
}

/** What is not JSON (there should be nothing) is shown as a line of its own, so that its index holds. */
function parsed(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 'none', time: '', msg: text };
  }
}
