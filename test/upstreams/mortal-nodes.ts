import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, ownEnvironment } from '../program.ts';

export interface MortalNode {
  readonly url: string;
  /** Calls of `eth_call` it had got some 50 ms ago. */
  readonly received: number;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
}

/** Starts a fake node in a process of its own, on a free port unless one is given. */
export async function startMortalNode(port = 0): Promise<MortalNode> {
  const program = fileURLToPath(new URL('./mortal-node.ts', import.meta.url));
  const child = spawn(process.execPath, [program, String(port)], {
    env: ownEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
  const dead = once(child, 'exit').then(release);
  const lines = createInterface({ input: child.stdout });
  const [url] = (await once(lines, 'line')) as [string];
  let received = 0;
  lines.on('line', (line) => {
    received = Number(line);
  });
  return {
    url,
    get received() {
      return received;
    },
    async kill() {
      child.kill('SIGKILL');
      await dead;
    },
  };
}
