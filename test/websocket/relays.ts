import { startChild } from './child.ts';

/** A relay to a node, to be killed and started again on the same port. */
export interface Relay {
  readonly port: number;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** On the same port. */
  restart(): Promise<void>;
}

const program = new URL('./mortal-relay.ts', import.meta.url);

export async function startRelay(targetPort: number): Promise<Relay> {
  let running = await startChild(program, [targetPort, 0]);
  const port = Number(running.said);
  return {
    port,
    kill: () => running.kill(),
    async restart() {
      running = await startChild(program, [targetPort, port]);
    },
  };
}
