import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createContext, removeContext } from './context.ts';
import { measureCpu } from './cpu.ts';
import { readOptions } from './options.ts';
import { type Mode, modes, type Polymorph, startPolymorph, withoutCache } from './servers/polymorph.ts';
import { startUpstream } from './servers/upstream.ts';
import { median } from './statistics.ts';
import { ensureTools } from './tools.ts';

const usage = `Usage: node bench/compare.ts [OPTIONS]

CPU a request of two programs, configs or environments, measured in turns on one core: each pair's second over its first, and the median.

  --program FILE, --to FILE        main files of the first and the second (default: src/main.ts)
  --more FILE, --to-more FILE      further sections of their configs, YAML; {DIR} stands for a folder of its own
  --state, --to-state              usage is kept, in SQLite
  --mode NAME, --to-mode NAME      of the upstream: single, pipelined, batched (default: single)
  --env NAME=VALUE, --to-env       a variable of their environments; may be given more than once
  --node OPTION, --to-node OPTION  an option of Node; the same
  --pairs N                        1 to 50 (default 14)
  --seconds N                      of one measurement (default 3)`;

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    to: { type: 'string' },
    more: { type: 'string' },
    'to-more': { type: 'string' },
    state: { type: 'boolean', default: false },
    'to-state': { type: 'boolean', default: false },
    mode: { type: 'string', default: 'single' },
    'to-mode': { type: 'string', default: 'single' },
    env: { type: 'string', multiple: true },
    'to-env': { type: 'string', multiple: true },
    node: { type: 'string', multiple: true },
    'to-node': { type: 'string', multiple: true },
    pairs: { type: 'string', default: '14' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
interface Side {
  program: string | undefined;
  more: string | undefined;
  state: boolean;
  mode: string;
  env: string[] | undefined;
  node: string[] | undefined;
}

function modeOf(name: string): Mode {
  const found = modes.find((mode) => mode === name);
  if (!found) throw new Error(`--mode ${name}: expected ${modes.join(', ')}`);
  return found;
}

const options = readOptions(['--rounds', values.pairs, '--seconds', values.seconds]);
if (options === 'help') throw new Error('it was not asked for');
ensureTools();
const context = createContext(options);
const stop = (): Promise<void> => context.processes.stopAll().then(() => removeContext(context));
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
try {
  const node = await startUpstream(context, 'upstream', context.cores.upstream);
  const start = (name: string, side: Side): Promise<Polymorph> => {
    const directory = join(context.directory, name);
    const more =
      side.more === undefined ? '' : readFileSync(side.more, 'utf8').replaceAll('{DIR}', directory);
    const setup = {
      name,
      mode: modeOf(side.mode),
      upstreamPorts: [node.port],
      workers: 1,
      cores: context.cores.proxy,
      environment: side.env,
      nodeOptions: side.node,
      more,
    };
    return startPolymorph(
      context,
      { ...setup, ...withoutCache, ...(side.state && { stateDir: directory }) },
      side.program && resolve(side.program),
    );
  };
  const { program, more, state, mode, env, node: nodeOptions } = values;
  const first = await start('first', { program, more, state, mode, env, node: nodeOptions });
  const second = await start('second', {
    program: values.to,
    more: values['to-more'],
    state: values['to-state'],
    mode: values['to-mode'],
    env: values['to-env'],
    node: values['to-node'],
  });
  const ratios: number[] = [];
  for (let pair = 0; pair < options.rounds; pair++) {
    const micros = { first: 0, second: 0 };
    for (const name of pair % 2 === 0 ? (['first', 'second'] as const) : (['second', 'first'] as const))
      micros[name] = (await measureCpu(context, name, name === 'first' ? first : second)).microsPerRequest;
    ratios.push(micros.second / micros.first);
    console.log(
      `${micros.first.toFixed(1)}  ${micros.second.toFixed(1)}  ${(micros.second / micros.first).toFixed(3)}`,
    );
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (part: number): string => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(3);
  console.log(`median ${median(ratios).toFixed(3)}, half of them ${at(0.25)} to ${at(0.75)}`);
  for (const fault of context.faults) console.log(`NOT VALID: ${fault}`);
  process.exitCode = context.faults.length > 0 ? 1 : 0;
} finally {
  await stop();
}
