import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';

/** Calls over WebSocket as native/sockets.c counts them. */
export interface SocketCalls {
  answered: number;
  microseconds: number;
  /** Answers that are no result under the call's own id, broken connections, calls without an answer. */
  failed: number;
  /** The first failure, if any. */
  firstWrong: string;
}

/** One head that listeners were sent. */
export interface HeadReceived {
  head: number;
  received: number;
  /** When the last listener had it, µs of process.hrtime. */
  last: number;
}

/** Sockets that are open and subscribed to newHeads. */
export interface Listening {
  /** Resolves once all of them have a head, or with what there is after 10 s. */
  head(number: number): Promise<HeadReceived>;
  /** Closes them. What was wrong until then, if anything. */
  stop(): Promise<string[]>;
}

const openMs = 60_000;
const headMs = 10_000;
const lookMs = 50;
const listenMsMax = 600_000;

/** As many calls as the port takes for `seconds`: one socket a connection of wrk's, each with one call at a time. */
export async function runSocketCalls(
  context: Context,
  port: number,
  pool: string,
  seconds: number,
): Promise<SocketCalls> {
  const { connections, cores, processes, programs } = context;
  const args = ['calls', port, connections, seconds * 1000, pool].map(String);
  const limitMs = seconds * 1000 + 30_000;
  const { stdout, stderr } = await processes.run(programs.sockets, args, cores.generator, limitMs);
  return { ...(JSON.parse(stdout) as SocketCalls), firstWrong: stderr.trim() };
}

/** Opens `count` sockets, on any core; resolves once all are subscribed. `name` is not used twice in a run. */
export async function startListening(
  context: Context,
  name: string,
  port: number,
  count: number,
): Promise<Listening> {
  const args = ['listen', port, count, listenMsMax].map(String);
  const started = context.processes.start(name, context.programs.sockets, args);
  const find = async <T>(wanted: (line: Line) => T | undefined, withinMs: number): Promise<T | undefined> => {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const over = !started.running() || performance.now() > deadline;
      for (const line of linesOf(started.output())) {
        const found = wanted(line);
        if (found !== undefined) return found;
      }
      if (over) return undefined;
      await sleep(lookMs);
    }
  };
  if ((await find(({ subscribed }) => subscribed, openMs)) !== count)
    throw new Error(`${count} sockets were not opened: ${started.output()}`);
  return {
    async head(number) {
      const found = await find((line) => (line.head === number ? (line as HeadReceived) : undefined), headMs);
      return found ?? { head: number, received: 0, last: Number.NaN };
    },
    async stop() {
      await started.stop();
      const output = started.output();
      const end = linesOf(output).at(-1);
      return end?.open === count && end.failed === 0 ? [] : [`${name}: ${output.slice(-1000)}`];
    },
  };
}

/** What the generator writes, by the kind of line. */
type Line = Partial<HeadReceived> & { subscribed?: number; open?: number; failed?: number };

/** The whole lines of JSON; the first one of what is cut may not be. */
function linesOf(output: string): Line[] {
  const lines = output.split('\n').slice(0, -1);
  return lines.filter((line) => /^\{.*\}$/.test(line)).map((line) => JSON.parse(line) as Line);
}
