import { Agent } from 'node:http';
import { callText, send } from '../../src/gateway/testing/client.ts';

/** What came of a load. */
export interface LoadOutcome {
  calls: { atMs: number; tookMs: number }[];
  /** Calls that were not answered with their own result, in words. */
  wrong: string[];
}

/** Reads over so many kept-alive connections, one after the other on each, until `stop`. Times are `performance.now()`'s. */
export function startSteadyLoad(port: number, connections: number): { stop(): Promise<LoadOutcome> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const outcome: LoadOutcome = { calls: [], wrong: [] };
  const stop = new AbortController();
  const stopping = stop.signal;
  const run = async (connection: number): Promise<void> => {
    for (let k = 0; !stopping.aborted; k++) {
      const id = `"${connection}-${k}"`;
      const data = `"0x${Buffer.from(id).toString('hex')}"`;
      const atMs = performance.now();
      try {
        const body = callText('eth_call', id, `[{"to":"0x${'1'.repeat(40)}","data":${data}},"latest"]`);
        const answer = await send(port, { agent, body });
        const right = `{"jsonrpc":"2.0","id":${id},"result":${data}}`;
        if (answer.status !== 200 || answer.body !== right)
          outcome.wrong.push(`${answer.status} ${answer.body} in place of ${right}`);
      } catch (error) {
        outcome.wrong.push(String(error));
      }
      outcome.calls.push({ atMs, tookMs: performance.now() - atMs });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const all = Promise.all(Array.from({ length: connections }, (_, connection) => run(connection)));
  return {
    async stop() {
      stop.abort();
      await all;
      agent.destroy();
      return outcome;
    },
  };
}

/** The time that 99 % of the calls begun in [fromMs, toMs) took no longer than. */
export function p99({ calls }: LoadOutcome, fromMs: number, toMs: number): number {
  const times = calls
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .map(({ tookMs }) => tookMs)
    .toSorted((one, other) => one - other);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
