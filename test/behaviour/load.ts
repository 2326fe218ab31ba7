import { Agent } from 'node:http';
import { callText, send, type TestAnswer } from '../../src/gateway/testing/client.ts';

/** What came of a load: answers by status, and what went wrong on the way. */
export interface LoadResult {
  statuses: Record<number, number>;
  /** Connections refused, reset or closed without an answer. */
  dropped: string[];
  /** Longest time from a call to its answer. Milliseconds. */
  slowestMs: number;
}

/** Calls over so many kept-alive connections, one after the other on each, until `stop`. */
export function startLoad(
  port: number,
  options: { connections: number; headers?: Record<string, string>; pauseMs?: number },
): { readonly calls: number; stop(): Promise<LoadResult> } {
  const { connections, headers = {}, pauseMs = 1 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const result: LoadResult = { statuses: {}, dropped: [], slowestMs: 0 };
  let calls = 0;
  const stop = new AbortController();
  const stopping = stop.signal;
  const one = async (connection: number): Promise<void> => {
    let k = 0;
    while (!stopping.aborted) {
      k++;
      const nonce = `"${connection}-${k}"`;
      const began = performance.now();
      try {
        const answer = await send(port, { agent, headers, body: callText('m', nonce, `[${nonce}]`) });
        if (answer.status === 200 && answer.body !== `{"jsonrpc":"2.0","id":${nonce},"result":${nonce}}`) {
          result.dropped.push(`wrong answer: ${answer.body}`);
        }
        result.statuses[answer.status] = (result.statuses[answer.status] ?? 0) + 1;
      } catch (error) {
        result.dropped.push(String(error));
      }
      calls++;
      result.slowestMs = Math.max(result.slowestMs, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const all = Promise.all(Array.from({ length: connections }, (_, connection) => one(connection)));
  return {
    get calls() {
      return calls;
    },
    async stop() {
      stop.abort();
      await all;
      agent.destroy();
      return result;
    },
  };
}

/** So many calls at once, each on one of `connections` kept-alive connections. */
export async function burst(
  port: number,
  calls: number,
  connections: number,
  request: { headers?: Record<string, string>; method?: string; path?: string } = {},
): Promise<TestAnswer[]> {
  const { method = 'm', headers = {}, path = '/' } = request;
  const agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const answers = await Promise.all(
    Array.from({ length: calls }, (_, k) =>
      send(port, { agent: agents[k % connections], headers, path, body: callText(method, `${k}`) }),
    ),
  );
  for (const agent of agents) agent.destroy();
  return answers;
}

/** How many answers had this status. */
export function count(answers: readonly TestAnswer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

/** The worker that gave an answer, by its request id. */
export function workerOf(answer: TestAnswer): string {
  return String(answer.headers['x-request-id']).split('-')[1]?.split('.')[0] ?? '';
}
