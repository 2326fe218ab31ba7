import { cpuMicros } from '../accounting.ts';
import { type Context, poolSize } from '../context.ts';
import type { Figure } from '../figures.ts';
import { runWrk, type WrkSummary } from '../load/wrk.ts';
import type { Fleet } from '../servers/fleet.ts';
import { modes } from '../servers/polymorph.ts';
import type { Server } from '../servers/server.ts';
import { callsSeen } from '../servers/upstream.ts';
import { median, rotated } from '../statistics.ts';

interface Scenario {
  name: string;
  server: Server;
  /** The node that answers its calls. */
  node: Server;
  /** Requests that a connection sends before it waits. */
  depth: number;
  /** Which of the calls the node sees: each, none, or no call of the pool twice. */
  reach: 'all' | 'none' | 'pool';
}

interface Sample {
  microsPerRequest: number;
  requestsPerSecond: number;
  /** Share of one core that the proxy used. */
  busy: number;
}

export interface CostRow {
  name: string;
  microsPerRequest: number;
  /** Median of the rounds' ratios to nginx in the same round, and their range. */
  ratio: number;
  ratioFrom: number;
  ratioTo: number;
  requestsPerSecond: number;
  busy: number;
  samples: Sample[];
}

const pipelinedDepth = 16;

/** What all features at once may cost of what was asked for without most of them. */
const everythingOver = 1.15;

/** The row of the same mode in which each answer is kept and given up. */
const withCache = (mode: string): string => `${mode}, with cache`;

/** `single` with every call in journal and ledger. */
const withUsage = 'single, with usage';

/** The row of the same mode with all features at once. */
const withEverything = (mode: string): string => `${mode}, everything on`;

/** CPU a request of everything in the fleet: all scenarios once a round, in an order that turns. */
export async function measureCost(context: Context, fleet: Fleet): Promise<CostRow[]> {
  const scenarios = scenariosOf(fleet);
  const samples = new Map<string, Sample[]>(scenarios.map(({ name }) => [name, []]));
  const { rounds } = context.options;
  for (let round = 0; round < rounds; round++) {
    context.progress(`CPU a request, round ${round + 1} of ${rounds}`);
    for (const scenario of rotated(scenarios, round)) {
      samples.get(scenario.name)!.push(await measure(context, scenario, round === 0));
    }
  }
  const nginx = samples.get('nginx') ?? [];
  return scenarios.map(({ name }) => summarize(name, samples.get(name)!, nginx));
}

function scenariosOf({
  nginx,
  haproxy,
  direct,
  node,
  ours,
  plain: bare,
  cached,
  metered,
  everything,
}: Fleet): Scenario[] {
  const plain = { node, depth: 1, reach: 'all' } as const;
  const list: Scenario[] = [
    { ...plain, name: 'nginx', server: nginx },
    { ...plain, name: 'haproxy', server: haproxy },
    { ...plain, name: 'direct', server: direct, node: direct },
  ];
  if (ours === undefined || bare === undefined) return list;
  return [
    ...list,
    ...modes.map((mode) => ({ ...plain, name: mode, server: bare[mode] })),
    ...(cached ? modes.map((mode) => ({ ...plain, name: withCache(mode), server: ours[mode] })) : []),
    ...(metered ? [{ ...plain, name: withUsage, server: metered }] : []),
    ...(everything
      ? modes.map((mode) => ({ ...plain, name: withEverything(mode), server: everything[mode] }))
      : []),
    { ...plain, name: 'refused', server: ours.single, reach: 'none' },
    ...(cached ? [{ ...plain, name: 'cached', server: cached, reach: 'pool' as const }] : []),
    {
      ...plain,
      name: `batched, ${pipelinedDepth} deep clients`,
      server: ours.batched,
      depth: pipelinedDepth,
    },
  ];
}

async function measure(context: Context, scenario: Scenario, first: boolean): Promise<Sample> {
  const { options, files } = context;
  const { server, node, depth, reach } = scenario;
  const pool = reach === 'none' ? files.refused : depth > 1 ? files.deep : files.admitted;
  await runWrk(context, server.port, pool, depth, first && !options.quick ? 2 : 1);
  const seenBefore = await callsSeen(node);
  const cpuBefore = cpuMicros(server.pids);
  const from = performance.now();
  const summary = await runWrk(context, server.port, pool, depth, options.seconds);
  const wallMicros = (performance.now() - from) * 1000;
  const cpu = cpuMicros(server.pids) - cpuBefore;
  const seen = (await callsSeen(node)) - seenBefore;
  context.faults.push(...faultsOf(context, scenario, summary, seen));
  return {
    microsPerRequest: cpu / summary.requests,
    requestsPerSecond: (summary.requests * 1e6) / summary.microseconds,
    busy: cpu / wallMicros,
  };
}

/** What cannot be if every call was answered as it should be and reached the node as it should. */
function faultsOf(context: Context, scenario: Scenario, summary: WrkSummary, seen: number): string[] {
  const { name, depth, reach } = scenario;
  const { requests, connect, read, write, timeout, status } = summary;
  const faults: string[] = [];
  if (requests === 0) faults.push(`${name}: no answers`);
  if (connect + read + write + timeout > 0) {
    faults.push(`${name}: errors: connect ${connect}, read ${read}, write ${write}, timeout ${timeout}`);
  }
  if (reach === 'none' && status !== requests)
    faults.push(`${name}: ${requests - status} of ${requests} were admitted`);
  if (reach !== 'none' && status > 0) faults.push(`${name}: ${status} of ${requests} were refused`);
  const [least, most] = { all: [requests, requests], none: [0, 0], pool: [0, poolSize] }[reach] as [
    number,
    number,
  ];
  // calls that were on their way when wrk stopped are in one count only
  const underway = context.connections * depth;
  if (seen < least || seen > most + underway) {
    faults.push(`${name}: the node saw ${seen} calls where ${least} to ${most + underway} were due`);
  }
  return faults;
}

function summarize(name: string, samples: Sample[], nginx: Sample[]): CostRow {
  const ratios = samples.map((sample, round) => sample.microsPerRequest / nginx[round]!.microsPerRequest);
  return {
    name,
    microsPerRequest: median(samples.map((sample) => sample.microsPerRequest)),
    ratio: median(ratios),
    ratioFrom: Math.min(...ratios),
    ratioTo: Math.max(...ratios),
    requestsPerSecond: median(samples.map((sample) => sample.requestsPerSecond)),
    busy: median(samples.map((sample) => sample.busy)),
    samples,
  };
}

/** Median of the rounds' ratios, as those to nginx are. */
function ratioOf(row: CostRow | undefined, to: CostRow | undefined): number | undefined {
  if (row === undefined || to === undefined) return undefined;
  return median(row.samples.map((sample, n) => sample.microsPerRequest / to.samples[n]!.microsPerRequest));
}

export function costFigures(rows: readonly CostRow[]): Figure[] {
  const row = (name: string) => rows.find((one) => one.name === name);
  const figures: Figure[] = [];
  const ratio = (name: string, atMost: number, aim?: number, note?: string) => {
    const value = row(name)?.ratio;
    if (value !== undefined) {
      figures.push({ name: `CPU, ${name}`, value, unit: '× nginx', target: { atMost }, aim, note });
    }
  };
  const asked = { single: 1.1, pipelined: 0.7, batched: 0.7 };
  ratio('single', asked.single, 0.8);
  ratio('pipelined', asked.pipelined, 0.5);
  ratio('batched', asked.batched, 0.5);
  ratio('refused', 0.6);
  ratio('cached', 0.5);
  for (const mode of modes) {
    const value = ratioOf(row(withCache(mode)), row(mode));
    if (value === undefined) continue;
    figures.push({ name: `CPU, ${withCache(mode)}`, value, unit: '× without', target: { atMost: 1.05 } });
  }
  const metered = ratioOf(row(withUsage), row('single'));
  if (metered !== undefined) {
    const target = { atMost: 1.05 };
    figures.push({ name: `CPU, ${withUsage}`, value: metered, unit: '× without', target });
  }
  for (const mode of modes)
    ratio(
      withEverything(mode),
      asked[mode] * everythingOver,
      undefined,
      `asked: ${everythingOver} × ${asked[mode].toFixed(2)}`,
    );
  const ours = modes.flatMap((mode) => row(mode) ?? []);
  if (ours.length === 0) return figures;
  const fastest = ours.reduce((a, b) => (b.requestsPerSecond > a.requestsPerSecond ? b : a));
  const cheapest = ours.reduce((a, b) => (b.microsPerRequest < a.microsPerRequest ? b : a));
  const target = { atLeast: 50_000 };
  const reached = `one worker, ${fastest.name}; its core was ${Math.round(fastest.busy * 100)} % busy`;
  figures.push({
    name: 'requests a second, reached',
    value: fastest.requestsPerSecond,
    unit: '/s',
    target,
    note: reached,
  });
  figures.push({
    name: 'requests a second of one core, by CPU',
    value: 1e6 / cheapest.microsPerRequest,
    unit: '/s',
    target,
    note: `one worker, ${cheapest.name}`,
  });
  return figures;
}
