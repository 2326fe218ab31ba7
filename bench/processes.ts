import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Started {
  name: string;
  pid: number;
  /** The end of what it wrote, for a message on failure. */
  output(): string;
  running(): boolean;
  stop(): Promise<void>;
}

export interface Output {
  stdout: string;
  stderr: string;
}

/** Every process of a run: each ends with the run, however the run ends. */
export interface Processes {
  /** Starts a server. Its output goes to a file in the run's directory. */
  start(name: string, command: string, args: string[], cores?: string): Started;
  /** Runs a program to its end. Rejects on a non-zero exit or after `limitMs`. */
  run(command: string, args: string[], cores: string, limitMs: number): Promise<Output>;
  /** Rejects nothing; what has not ended after 3 s is killed. */
  stopAll(): Promise<void>;
}

const stopMs = 3000;

export function createProcesses(directory: string): Processes {
  const children = new Set<ChildProcess>();

  function launch(command: string, args: string[], cores: string | undefined, out: number | 'pipe') {
    // setpriv: the child also ends when this process is killed outright
    const pinned = cores === undefined ? [] : ['taskset', '-c', cores];
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...pinned, command, ...args], {
      stdio: ['ignore', out, out],
      cwd: directory,
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  }

  return {
    start(name, command, args, cores) {
      const log = join(directory, `${name}.log`);
      const file = openSync(log, 'a');
      const child = launch(command, args, cores, file);
      closeSync(file);
      if (child.pid === undefined) throw new Error(`${command} did not start`);
      return {
        name,
        pid: child.pid,
        output: () => readFileSync(log, 'utf8').slice(-3000),
        running: () => children.has(child),
        stop: () => stop(child),
      };
    },

    async run(command, args, cores, limitMs) {
      const child = launch(command, args, cores, 'pipe');
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const output: Output = { stdout: '', stderr: '' };
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      clearTimeout(timer);
      if (code === 0) return output;
      const last = (output.stderr + output.stdout).trim().slice(-1000);
      throw new Error(`${command} ended with ${signal ?? `exit code ${code}`}: ${last}`);
    },

    async stopAll() {
      await Promise.all([...children].map(stop));
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(timer);
}
