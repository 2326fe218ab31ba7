import { type Context, createContext, removeContext } from './context.ts';
import { describeMachine } from './machine.ts';
import { families, isOurs, type Options, readOptions, usage } from './options.ts';
import { currentCommit, keep } from './report/keep.ts';
import type { Results } from './report/results.ts';
import { costTable, figuresTable, killTable, latencyTable } from './report/sections.ts';
import { textTable } from './report/table.ts';
import { costFigures, measureCost } from './scenarios/cost.ts';
import { instancesFigures, measureInstances } from './scenarios/instances.ts';
import { latencyFigures, measureLatency } from './scenarios/latency.ts';
import { measureMemory, memoryFigures } from './scenarios/memory.ts';
import { measureReload, reloadFigures } from './scenarios/reload.ts';
import { measureUpstreams, upstreamsFigures } from './scenarios/upstreams.ts';
import { measureWebsocket, websocketFigures } from './scenarios/websocket.ts';
import { measureStarts, startsFigures } from './scenarios/start.ts';
import { startFleet } from './servers/fleet.ts';
import { ensureTools } from './tools.ts';

const limitMs = 30 * 60_000;

/** Runs what the options ask for, with everything it starts ended before it returns. */
async function bench(options: Options): Promise<number> {
  ensureTools();
  const context = createContext(options);
  const end = (code: number) => {
    const exit = () => {
      removeContext(context);
      process.exit(code);
    };
    context.processes.stopAll().then(exit, exit);
  };
  process.once('SIGINT', () => end(130));
  process.once('SIGTERM', () => end(143));
  const limit = setTimeout(() => {
    console.error(`The bench took over ${limitMs / 60_000} minutes and was ended.`);
    end(1);
  }, limitMs);
  try {
    const results = await measureAll(context);
    show(results);
    const reason = whyNotKept(results);
    console.log(reason === undefined ? `\nWritten: ${keep(results).join(', ')}` : `\nNot kept: ${reason}.`);
    return results.faults.length > 0 ? 1 : 0;
  } finally {
    clearTimeout(limit);
    await context.processes.stopAll();
    removeContext(context);
  }
}

function whyNotKept({ options, faults }: Results): string | undefined {
  if (faults.length > 0) return 'it is not valid';
  if (options.quick || options.only.length < families.length) return 'it is not a whole run';
  if (!isOurs(options.program)) return 'it measured another program';
  return undefined;
}

async function measureAll(context: Context): Promise<Results> {
  const { options } = context;
  const from = performance.now();
  const results: Results = {
    at: new Date().toISOString(),
    commit: currentCommit(),
    seconds: 0,
    machine: describeMachine(context.cores),
    options,
    figures: [],
    faults: context.faults,
  };
  if (!context.knowsUpstreams) {
    context.progress('The program knows no cache: "cached", "with cache" and "upstreams" are left out.');
  }
  if (!context.knowsSockets) context.progress('The program knows no WebSockets: "websocket" is left out.');
  if (!context.knowsStore) context.progress('The program keeps no usage: "with usage" is left out.');
  if (!context.knowsRedis) context.progress('The program knows no Redis: "instances" is left out.');
  const runs = (family: (typeof families)[number]) => options.only.includes(family);
  if (runs('cost') || runs('latency')) await measureFleet(context, results);
  if (runs('memory')) {
    await attempt(context, 'memory', async () => {
      results.memory = await measureMemory(context);
      results.figures.push(...memoryFigures(results.memory));
    });
  }
  if (runs('reload')) {
    await attempt(context, 'reload', async () => {
      results.reload = await measureReload(context);
      results.figures.push(...reloadFigures(results.reload));
    });
  }
  if (runs('upstreams') && context.knowsUpstreams) {
    await attempt(context, 'upstreams', async () => {
      results.upstreams = await measureUpstreams(context);
      results.figures.push(...upstreamsFigures(results.upstreams));
    });
  }
  if (runs('websocket') && context.knowsSockets) {
    await attempt(context, 'websocket', async () => {
      results.websocket = await measureWebsocket(context);
      results.figures.push(...websocketFigures(results.websocket));
    });
  }
  if (runs('instances') && context.knowsRedis) {
    await attempt(context, 'instances', async () => {
      results.instances = await measureInstances(context);
      results.figures.push(...instancesFigures(results.instances));
    });
  }
  if (runs('start')) {
    await attempt(context, 'start', async () => {
      results.starts = await measureStarts(context);
      results.figures.push(...startsFigures(results.starts));
    });
  }
  results.seconds = Math.round((performance.now() - from) / 1000);
  return results;
}

async function measureFleet(context: Context, results: Results): Promise<void> {
  const { only } = context.options;
  const fleet = await startFleet(context);
  if (only.includes('cost')) {
    results.cost = await measureCost(context, fleet);
    results.figures.push(...costFigures(results.cost));
  }
  if (only.includes('latency')) {
    // what is asked has everything on
    const row = (name: string) => results.cost?.find((one) => one.name === name);
    const saturated = (row('single, with cache') ?? row('single'))?.requestsPerSecond;
    results.latency = await measureLatency(context, fleet, saturated);
    results.figures.push(...latencyFigures(results.latency));
  }
  await fleet.stop();
}

/** What one family could not do is a fault of the run; the others go on. */
async function attempt(context: Context, family: string, measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (error) {
    context.faults.push(`${family}: ${String(error)}`);
    await context.processes.stopAll();
  }
}

function show({ cost, latency, upstreams, figures, faults, machine, seconds }: Results): void {
  console.log(`\n${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`);
  console.log(`nginx ${machine.nginx}, haproxy ${machine.haproxy}; ${machine.placement}; ${seconds} s`);
  if (cost) console.log(`\n${textTable(...costTable(cost))}`);
  if (latency) console.log(`\nAt ${latency.rate} requests/s:\n${textTable(...latencyTable(latency))}`);
  if (upstreams) console.log(`\nOne of three nodes killed:\n${textTable(...killTable(upstreams))}`);
  if (figures.length > 0) console.log(`\n${textTable(...figuresTable(figures))}`);
  if (faults.length > 0) console.log(`\nNOT VALID:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(usage);
  else process.exitCode = await bench(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
