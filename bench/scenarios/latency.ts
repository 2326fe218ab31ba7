import type { Context } from '../context.ts';
import type { Figure } from '../figures.ts';
import { runH2load } from '../load/h2load.ts';
import { runPace } from '../load/pace.ts';
import { runWrk } from '../load/wrk.ts';
import type { Fleet } from '../servers/fleet.ts';
import type { Server } from '../servers/server.ts';
import { callsSeen } from '../servers/upstream.ts';
import { median, rotated } from '../statistics.ts';

export const generators = ['h2load', 'evenly'] as const;
export type Generator = (typeof generators)[number];

/** Times in µs; `added` over the direct upstream in the same round, medians of the rounds. */
export interface LatencyRow {
  name: string;
  generator: Generator;
  p50: number;
  p99: number;
  addedP50: number;
  addedP99: number;
}

export interface Latency {
  /** Requests a second of all runs. */
  rate: number;
  rows: LatencyRow[];
}

type Times = { p50: number; p99: number };

const roundsMax = 3;

/** Latency at half of what `single` takes when saturated, over the node asked directly at the same rate. */
export async function measureLatency(
  context: Context,
  fleet: Fleet,
  saturated: number | undefined,
): Promise<Latency> {
  const servers = serversOf(fleet);
  const rate = Math.floor((saturated ?? (await saturate(context, fleet))) / 2);
  const rounds = Math.min(context.options.rounds, roundsMax);
  const measured = new Map<string, Times[]>();
  for (let round = 0; round < rounds; round++) {
    context.progress(`latency at ${rate} requests/s, round ${round + 1} of ${rounds}`);
    for (const [name, server] of rotated(servers, round)) {
      for (const generator of generators) {
        const id = `${generator} ${name}`;
        const times = await measure(context, generator, name, { server, node: fleet.node }, rate);
        measured.set(id, [...(measured.get(id) ?? []), times]);
      }
    }
  }
  const rows = generators.flatMap((generator) =>
    servers.map(([name]) =>
      summarize(name, generator, measured.get(`${generator} ${name}`)!, measured.get(`${generator} direct`)!),
    ),
  );
  return { rate, rows };
}

function serversOf({ node, nginx, ours }: Fleet): [string, Server][] {
  // the node the proxies use, in its usual place, so that the difference is the proxy
  return [['direct', node], ['nginx', nginx], ...Object.entries(ours ?? {})];
}

async function saturate(context: Context, { ours, nginx }: Fleet): Promise<number> {
  const { port } = ours?.single ?? nginx;
  const { requests, microseconds } = await runWrk(context, port, context.files.admitted, 1, 2);
  return (requests * 1e6) / microseconds;
}

async function measure(
  context: Context,
  generator: Generator,
  name: string,
  { server, node }: { server: Server; node: Server },
  rate: number,
): Promise<Times> {
  const { seconds } = context.options;
  const run = generator === 'h2load' ? runH2load : runPace;
  const seenBefore = await callsSeen(node);
  const summary = await run(context, server.port, rate, seconds);
  const seen = (await callsSeen(node)) - seenBefore;
  const { failed } = summary;
  if (seen < summary.samples) {
    context.faults.push(`latency, ${name}, ${generator}: the node saw ${seen} of ${summary.samples} calls`);
  }
  if (failed > 0) {
    context.faults.push(
      `latency, ${name}, ${generator}: ${failed} calls failed; ${summary.firstWrong}\n${server.output().slice(-500)}`,
    );
  }
  const due = rate * seconds;
  if (summary.samples < due * 0.9) {
    context.faults.push(`latency, ${name}, ${generator}: ${summary.samples} of ${due} calls were made`);
  }
  return summary;
}

function summarize(name: string, generator: Generator, times: Times[], direct: Times[]): LatencyRow {
  return {
    name,
    generator,
    p50: median(times.map(({ p50 }) => p50)),
    p99: median(times.map(({ p99 }) => p99)),
    addedP50: median(times.map(({ p50 }, round) => p50 - direct[round]!.p50)),
    addedP99: median(times.map(({ p99 }, round) => p99 - direct[round]!.p99)),
  };
}

export function latencyFigures({ rows }: Latency): Figure[] {
  const modes = ['single', 'pipelined', 'batched'];
  return rows
    .filter(({ name }) => modes.includes(name))
    .flatMap(({ name, generator, addedP50, addedP99 }) => [
      {
        name: `added p50, ${name}, ${generator}`,
        value: addedP50 / 1000,
        unit: 'ms',
        target: { atMost: 0.5 },
      },
      { name: `added p99, ${name}, ${generator}`, value: addedP99 / 1000, unit: 'ms', target: { atMost: 3 } },
    ]);
}
