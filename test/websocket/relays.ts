import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, ownEnvironment } from '../program.ts';

/** A relay to a node, to be killed and started again on the same port. */
export interface Relay {
  readonly port: number;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** On the same port. */
  restart(): Promise<void>;
}

export async function startRelay(targetPort: number): Promise<Relay> {
  const program = fileURLToPath(new URL('./mortal-relay.ts', import.meta.url));
  const start = async (ownPort: number): Promise<{ port: number; kill: () => Promise<void> }> => {
    const child = spawn(process.execPath, [program, String(targetPort), String(ownPort)], {
      env: ownEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
    const dead = once(child, 'exit').then(release);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return {
      port: Number(line),
      async kill() {
        child.kill('SIGKILL');
        await dead;
      },
    };
  };
  let running = await start(0);
  const { port } = running;
  return {
    port,
    kill: () => running.kill(),
    async restart() {
      running = await start(port);
    },
  };
}
