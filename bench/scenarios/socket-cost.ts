import { cpuMicros } from '../accounting.ts';
import type { Context } from '../context.ts';
import { runSocketCalls } from '../load/sockets.ts';
import { runWrk } from '../load/wrk.ts';
import { startPolymorph } from '../servers/polymorph.ts';
import type { Server } from '../servers/server.ts';
import { callsSeen, startUpstream } from '../servers/upstream.ts';
import { median, rotated } from '../statistics.ts';

type Transport = 'http' | 'websocket';

/** What a call costs by each transport, as medians of the rounds. */
export interface SocketCost {
  httpMicros: number;
  socketMicros: number;
  /** WebSocket over HTTP: median of the rounds' ratios, and their range. */
  ratio: number;
  ratioFrom: number;
  ratioTo: number;
  callsPerSecond: number;
  /** µs a call of each round. */
  samples: Record<Transport, number[]>;
}

interface Load {
  answered: number;
  microseconds: number;
  faults: string[];
}

const transports: readonly Transport[] = ['http', 'websocket'];

/** The same calls to the same gateway, one a connection at a time, by each transport in turn. */
export async function measureSocketCost(context: Context): Promise<SocketCost> {
  const node = await startUpstream(context, 'socket-upstream', context.cores.upstream);
  const proxy = await startPolymorph(context, {
    name: 'socket-cost',
    mode: 'single',
    workers: 1,
    cores: context.cores.proxy,
    upstreamPorts: [node.port],
  });
  const samples: Record<Transport, number[]> = { http: [], websocket: [] };
  const rates: number[] = [];
  const { rounds } = context.options;
  for (let round = 0; round < rounds; round++) {
    context.progress(`websocket: CPU a call, round ${round + 1} of ${rounds}`);
    for (const transport of rotated(transports, round)) {
      const { microsPerCall, callsPerSecond } = await measure(context, transport, proxy, node, round === 0);
      samples[transport].push(microsPerCall);
      if (transport === 'websocket') rates.push(callsPerSecond);
    }
  }
  await proxy.stop();
  await node.stop();
  const ratios = samples.websocket.map((micros, round) => micros / samples.http[round]!);
  return {
    httpMicros: median(samples.http),
    socketMicros: median(samples.websocket),
    ratio: median(ratios),
    ratioFrom: Math.min(...ratios),
    ratioTo: Math.max(...ratios),
    callsPerSecond: median(rates),
    samples,
  };
}

async function measure(
  context: Context,
  transport: Transport,
  proxy: Server,
  node: Server,
  first: boolean,
): Promise<{ microsPerCall: number; callsPerSecond: number }> {
  const { seconds, quick } = context.options;
  await send(context, transport, proxy.port, first && !quick ? 2 : 1);
  const seenBefore = await callsSeen(node);
  const cpuBefore = cpuMicros(proxy.pids);
  const { answered, microseconds, faults } = await send(context, transport, proxy.port, seconds);
  const cpu = cpuMicros(proxy.pids) - cpuBefore;
  const seen = (await callsSeen(node)) - seenBefore;
  context.faults.push(...faults.map((fault) => `websocket, calls by ${transport}: ${fault}`));
  // calls on their way at the end are in one count only; so are, on a busy machine, the warm-up's
  if (answered === 0 || seen < answered || seen > answered + 2 * context.connections)
    context.faults.push(`websocket, calls by ${transport}: ${answered} answered, the node saw ${seen}`);
  return { microsPerCall: cpu / answered, callsPerSecond: (answered * 1e6) / microseconds };
}

async function send(context: Context, transport: Transport, port: number, seconds: number): Promise<Load> {
  const pool = context.files.admitted;
  if (transport === 'websocket') {
    const { failed, firstWrong, ...load } = await runSocketCalls(context, port, pool, seconds);
    return { ...load, faults: failed > 0 ? [`${failed} failed, first ${firstWrong}`] : [] };
  }
  const { requests, microseconds, ...errors } = await runWrk(context, port, pool, 1, seconds);
  const { connect, read, write, timeout, status } = errors;
  const failed = connect + read + write + timeout + status;
  return {
    answered: requests,
    microseconds,
    faults: failed > 0 ? [JSON.stringify(errors)] : [],
  };
}
