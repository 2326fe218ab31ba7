import { Agent } from 'node:http';
import { callText, send } from '../../src/gateway/testing/client.ts';

/** Calls as their client counted them. */
export interface StoreLoad {
  /** Calls begun, and those of them that were answered with 200. */
  readonly sent: number;
  readonly received: number;
  /** Calls that came to another answer, or to none, by what they came to. */
  readonly others: Readonly<Record<string, number>>;
  /** Longest time to an answer, in milliseconds. */
  readonly slowestMs: number;
  /** Calls that ended. */
  readonly ended: number;
  /** As `slowestMs`, without the first so many that ended. */
  slowestSinceMs(calls: number): number;
  /** Time to an answer that 99 of 100 calls had sooner, of those since the call with this number, from 0; in milliseconds. */
  p99Ms(since?: number): number;
  /** Ends it; resolves when no call is under way. */
  stop(): Promise<void>;
}

/** One call after the other on each of so many connections, with this key. `pauseMs` between them: default 0. `method`: of each call. */
export function startStoreLoad(
  port: number,
  key: string,
  {
    connections = 16,
    pauseMs = 0,
    method = () => 'm',
  }: { connections?: number; pauseMs?: number; method?: () => string } = {},
): StoreLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const others: Record<string, number> = {};
  const tookMs: number[] = [];
  let [sent, received] = [0, 0];
  const stopping = new AbortController();
  const note = (what: string) => {
    others[what] = (others[what] ?? 0) + 1;
  };
  const one = async () => {
    while (!stopping.signal.aborted) {
      sent += 1;
      const began = performance.now();
      try {
        const { status } = await send(port, {
          agent,
          headers: { 'x-api-key': key },
          body: callText(method()),
        });
        if (status === 200) received += 1;
        else note(String(status));
      } catch (error) {
        note((error as NodeJS.ErrnoException).code ?? String(error));
        // The program is gone: no need to ask a closed port ten thousand times.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      tookMs.push(performance.now() - began);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const all = Promise.all(Array.from({ length: connections }, one));
  return {
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    get slowestMs() {
      return slowestOf(tookMs);
    },
    get ended() {
      return tookMs.length;
    },
    slowestSinceMs: (calls) => slowestOf(tookMs.slice(calls)),
    p99Ms(since = 0) {
      const sorted = tookMs.slice(since).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    },
    others,
    async stop() {
      stopping.abort();
      await all;
      agent.destroy();
    },
  };
}

const slowestOf = (tookMs: readonly number[]): number => tookMs.reduce((a, b) => Math.max(a, b), 0);
