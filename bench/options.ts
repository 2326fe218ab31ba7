import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const project = join(import.meta.dirname, '..');

export const families = [
  'cost',
  'latency',
  'memory',
  'reload',
  'upstreams',
  'websocket',
  'instances',
  'start',
] as const;
export type Family = (typeof families)[number];

export interface Options {
  /** Families to run; all of them unless `--only`. */
  only: Family[];
  /** How often each scenario is measured, interleaved with the others. 1..50 */
  rounds: number;
  /** Length of one measured window, seconds. 1..60 */
  seconds: number;
  /** A short look; its figures are printed and not kept. */
  quick: boolean;
  /** The main file to measure. */
  program: string;
}

export const usage = `Usage: npm run bench [-- OPTIONS]

Measures PolymorphProxy beside nginx and haproxy, on loopback.
Two programs or configs of it beside each other: node bench/compare.ts --help.

  --only NAME      ${families.join(' | ')}; may be given more than once
  --rounds N       how often each scenario is measured (default 5)
  --seconds N      length of one measurement (default 3)
  --program FILE   what to measure (default src/main.ts; dist/main.js after a build); of one that knows no cache,
                   "cached", "with cache" and "upstreams" are left out, of one without WebSockets "websocket",
                   of one that keeps no usage "with usage", of one that knows no Redis "instances", of both "everything on"
  --quick          2 rounds of 1 second
  --help

  cost       CPU a request: upstream modes, refused, answered from the cache
  latency    added to the node's own, at half load
  memory     idle, and with many callers
  reload     of a large config under load
  upstreams  identical calls at once; one of three nodes killed under load
  websocket  CPU a call; idle sockets; a head to all that listen
  instances  CPU a request of limits that instances share over Redis
  start      from the program's start to its first answered call

A valid run of all families that is not quick is kept in bench/results/ and shown in docs/performance.md.`;

/** Reads the command line. Throws an Error with a message for the user. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      program: { type: 'string', default: join(project, 'src/main.ts') },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    only: values.only ? values.only.map(family) : [...families],
    rounds: count('--rounds', values.rounds, values.quick ? 2 : 5, 50),
    seconds: count('--seconds', values.seconds, values.quick ? 1 : 3, 60),
    quick: values.quick,
    program: resolve(values.program),
  };
}

/** Whether the program is of this checkout, whose commit the results name. */
export function isOurs(program: string): boolean {
  return !relative(project, program).startsWith('..');
}

function family(name: string): Family {
  const found = families.find((known) => known === name);
  if (!found) throw new Error(`--only ${name}: expected ${families.join(', ')}`);
  return found;
}

function count(option: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new Error(`${option} ${text}: expected a whole number from 1 to ${max}`);
  }
  return value;
}
