import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endWithUs } from '../program.ts';

/** A bash that is typed into. What commands write to standard output and standard error comes as it would on one screen. */
export interface Terminal {
  /** Types a command, waits for its end, for a minute at most, and gives what was printed meanwhile. */
  type(command: string): Promise<{ output: string; done: boolean }>;
  /** Types a command that does not end. */
  begin(command: string): void;
  /** All that was printed. */
  output(): string;
  /** Ends it with all that was started in it. */
  close(): Promise<void>;
}

const patienceMs = 60_000;

export function openTerminal(folder: string, env: NodeJS.ProcessEnv): Terminal {
  const shell: ChildProcess = spawn('bash', ['--norc', '--noprofile'], {
    ...{ cwd: folder, env, detached: true },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout } = shell;
  if (stdin === null || stdout === null || shell.pid === undefined) throw new Error('there is no bash');
  const group = -shell.pid;
  // All that was started in it goes with us, too.
  const release = endWithUs(group);
  const closed = once(shell, 'exit');
  let output = '';
  let look = (): void => {};
  stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  stdin.on('error', () => {});
  stdin.write('exec 2>&1\n');
  return {
    type: (command) =>
      new Promise((resolve) => {
        const from = output.length;
        const mark = `\u0001${Math.random()}\u0001\n`;
        const late = setTimeout(
          () => resolve({ output: withoutJobs(output.slice(from)), done: false }),
          patienceMs,
        );
        look = () => {
          const end = output.indexOf(mark, from);
          if (end === -1) return;
          clearTimeout(late);
          look = () => {};
          const printed = output.slice(from, end);
          output = output.slice(0, end);
          resolve({ output: withoutJobs(printed), done: true });
        };
        stdin.write(`{ ${command}\n} </dev/null; printf '${mark.replace('\n', '\\n')}'\n`);
      }),
    begin: (command) => void stdin.write(`{ ${command}\n} </dev/null\n`),
    output: () => withoutJobs(output),
    async close() {
      process.kill(group, 'SIGKILL');
      await closed;
      release();
    },
  };
}

/** Where a bash is no terminal it tells otherwise of a job that was ended. */
function withoutJobs(text: string): string {
  return text.replaceAll(/^bash: line \d+: +\d+ (?:Terminated|Killed) .*\n/gm, '');
}
