import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { connectSocket } from '../../src/gateway/testing/socket.ts';
import { type Counts, createCounts } from './counts.ts';

/** A client that keeps books, and its calls in every form there is. */
export interface MixedClient {
  readonly sent: Counts;
  readonly received: Counts;
  /** By its quota. */
  readonly refused: Counts;
  /** What else calls came to; connections that broke are not in it. */
  readonly others: Record<string, number>;
  /** One call by itself; its HTTP status. */
  call(port: number, key: LoadKey, method?: string): Promise<number>;
  /** Single calls, batches and WebSocket messages of these keys, until stopped or the gateway is gone. */
  start(port: number, keys: readonly LoadKey[]): MixedLoad;
}

export interface LoadKey {
  name: string;
  key: string;
  /** Between its calls on each connection, in milliseconds. Default 0. */
  pauseMs?: number;
}

export interface MixedLoad {
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
}

export const loadMethods = ['one', 'two', 'three'] as const;
const BATCH_CALLS = 5;
const SOCKET_CALLS = 4;

/** Each call carries its key's name and a number of its own, which is the right answer to it. */
export function createMixedClient(): MixedClient {
  const [sent, received, refused] = [createCounts(), createCounts(), createCounts()];
  const others: Record<string, number> = {};
  const pending = new Map<number, { key: string; method: string }>();
  let number = 0;

  function next({ name }: LoadKey, method: string = loadMethods[number % 3]!): string {
    number += 1;
    pending.set(number, { key: name, method });
    sent.add(name, method);
    return callText(method, String(number), JSON.stringify([name, number]));
  }

  function take(answer: Answer): void {
    const { id, result, error } = answer;
    const of = typeof id === 'number' ? pending.get(id) : undefined;
    if (of === undefined) return note(`an answer to nothing: ${JSON.stringify(answer)}`);
    pending.delete(id as number);
    if (result === id) received.add(of.key, of.method);
    else if (error?.code === 402) refused.add(of.key, of.method);
    else note(JSON.stringify(answer));
  }

  function note(what: string): void {
    others[what] = (others[what] ?? 0) + 1;
  }

  async function post(port: number, { key }: LoadKey, body: string, agent?: Agent): Promise<number> {
    const { status, json } = await send(port, {
      ...(agent && { agent }),
      headers: { 'x-api-key': key },
      body,
    });
    // A connection that was cut in an answer is the kill's doing.
    if (json === undefined) throw new Error('cut short');
    for (const answer of Array.isArray(json) ? (json as Answer[]) : [json as Answer]) take(answer);
    return status;
  }

  function start(port: number, keys: readonly LoadKey[]): MixedLoad {
    const agent = new Agent({ keepAlive: true });
    const stopping = new AbortController();
    const untilOver = async (work: () => Promise<unknown>, pauseMs = 0): Promise<void> => {
      try {
        while (!stopping.signal.aborted) {
          await work();
          if (pauseMs > 0) await delay(pauseMs);
        }
      } catch {
        // Refused or reset: the gateway is gone. What it should have answered is missing in the books.
      }
    };
    const loops = keys.flatMap((key) => [
      untilOver(() => post(port, key, next(key), agent), key.pauseMs),
      untilOver(
        () => post(port, key, `[${Array.from({ length: BATCH_CALLS }, () => next(key)).join()}]`, agent),
        key.pauseMs,
      ),
      untilOver(async () => {
        const socket = await connectSocket(port, { headers: { 'x-api-key': key.key } });
        await untilOver(async () => {
          for (let k = 0; k < SOCKET_CALLS; k += 1) socket.send(next(key));
          for (let k = 0; k < SOCKET_CALLS; k += 1) take((await socket.take(1))[0]!.json);
        }, key.pauseMs);
        socket.close();
        if (!stopping.signal.aborted) throw new Error('closed');
      }),
    ]);
    return {
      async stop() {
        stopping.abort();
        await Promise.all(loops);
        agent.destroy();
      },
    };
  }

  return {
    ...{ sent, received, refused, others, start },
    call: (port, key, method) => post(port, key, next(key, method)),
  };
}

interface Answer {
  id?: unknown;
  result?: unknown;
  error?: { code: number };
}
