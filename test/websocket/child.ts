import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, ownEnvironment } from '../program.ts';

/** A program of this folder as a process of its own, so that its work is nobody's delay, or so that it can be killed. */
export interface Child {
  /** The first line it said: it is ready. */
  readonly said: string;
  /** The next line. */
  line(): Promise<string>;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
}

export async function startChild(program: URL, args: readonly (string | number)[] = []): Promise<Child> {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args.map(String)], {
    env: ownEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
  const dead = once(child, 'exit').then(release);
  const lines = createInterface({ input: child.stdout });
  const line = async (): Promise<string> => String((await once(lines, 'line'))[0]);
  return {
    said: await line(),
    line,
    async kill() {
      child.kill('SIGKILL');
      await dead;
    },
  };
}
