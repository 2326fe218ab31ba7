import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callBody } from '../calls.ts';
import { createClient } from '../client.ts';
import { type Context, freePort } from '../context.ts';
import type { Figure } from '../figures.ts';
import { isOurs } from '../options.ts';
import { startUpstream } from '../servers/upstream.ts';
import { median } from '../statistics.ts';

/** From the program's start to its first answered call, ms, each time: a small config, all else as by default, caches warm. */
export interface Starts {
  /** What was started, and its times; as published only where the program is this checkout's. */
  times: Record<string, number[]>;
}

const project = join(import.meta.dirname, '../..');
const timesEach = 9;
const pollMs = 4;
const limitMs = 20_000;

export async function measureStarts(context: Context): Promise<Starts> {
  context.progress('start: the program as published is built');
  const { program } = context.options;
  const variants: Record<string, [command: string, ...args: string[]]> = isOurs(program)
    ? {
        published: [process.execPath, buildAsPublished(context)],
        sources: [join(project, 'bin/polymorph')],
      }
    : { program: [process.execPath, program] };
  const node = await startUpstream(context, 'start-upstream', context.cores.upstream);
  const times = Object.fromEntries(Object.keys(variants).map((name) => [name, [] as number[]]));
  context.progress(`start: ${timesEach} times`);
  // the first one of each fills the caches
  for (let n = 0; n <= timesEach; n++) {
    for (const [name, command] of Object.entries(variants)) {
      const ms = await startOnce(context, `start-${name}-${n}`, command, node.port);
      if (n > 0) times[name]!.push(ms);
    }
  }
  await node.stop();
  return { times };
}

export function startsFigures({ times }: Starts): Figure[] {
  return Object.entries(times).map(([name, each]) => ({
    name: `start, warm, to the first answer: ${names[name] ?? name}`,
    value: median(each),
    unit: 'ms',
    target: { atMost: 500 },
    note: `${Math.min(...each).toFixed(0)} to ${Math.max(...each).toFixed(0)} in ${each.length} times`,
  }));
}

const names: Record<string, string> = { published: 'the package', sources: 'a checkout' };

/** The package's files as npm would install them, beside this checkout's libraries. Returns its main file. */
function buildAsPublished({ directory }: Context): string {
  const root = join(directory, 'published');
  mkdirSync(root);
  execFileSync(join(project, 'scripts/build'), [join(root, 'dist')], { stdio: 'pipe' });
  cpSync(join(project, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  return join(root, 'dist/main.js');
}

async function startOnce(
  context: Context,
  name: string,
  [command, ...args]: [string, ...string[]],
  upstreamPort: number,
): Promise<number> {
  const port = await freePort();
  const stateDir = join(context.directory, 'start-state');
  const config = join(context.directory, `${name}.yaml`);
  writeFileSync(
    config,
    `server: { listen: "127.0.0.1:${port}", state_dir: ${stateDir} }
admin: { listen: "127.0.0.1:${await freePort()}" }
upstreams:
  - url: http://127.0.0.1:${upstreamPort}
`,
  );
  const client = createClient(port, 1);
  const from = performance.now();
  const started = context.processes.start(name, command, [...args, 'start', '--config', config]);
  try {
    while (performance.now() - from < limitMs && started.running()) {
      const answer = await client.call(callBody(0)).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - from;
      await sleep(pollMs);
    }
    throw new Error(`${name} does not answer\n${started.output()}`);
  } finally {
    client.close();
    await started.stop();
    rmSync(config);
  }
}
