import { setTimeout as sleep } from 'node:timers/promises';
import { withDescendants } from '../accounting.ts';
import { callBody, callerKeys } from '../calls.ts';
import { createClient } from '../client.ts';
import type { Started } from '../processes.ts';

/** A server that answers calls: what is measured, or stands behind what is measured. */
export interface Server {
  name: string;
  port: number;
  /** Its processes: a master and its workers. */
  pids: number[];
  /** The end of its log. */
  output(): string;
  stop(): Promise<void>;
}

const readyMs = 20_000;

/** Waits until the server answers a call with 200. Rejects with its output if it ends or takes over 20 s. */
export async function whenReady(started: Started, port: number): Promise<Server> {
  const client = createClient(port, 1);
  const deadline = performance.now() + readyMs;
  let last = 'no answer';
  try {
    while (started.running() && performance.now() < deadline) {
      try {
        const answer = await client.call(callBody(0), callerKeys[0]);
        if (answer.status === 200) {
          const pids = withDescendants(started.pid);
          return {
            name: started.name,
            port,
            pids,
            output: () => started.output(),
            stop: () => started.stop(),
          };
        }
        last = `${answer.status} ${answer.body}`;
      } catch (error) {
        last = String(error);
      }
      await sleep(25);
    }
  } finally {
    client.close();
  }
  throw new Error(`${started.name} does not answer (${last})\n${started.output()}`);
}
