import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { HttpProblem } from './http-problem.ts';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<ResolvedAddress[]>;

/** A name server is asked so often, and waited for so long the first time; then longer. */
const QUERY = { timeout: 1500, tries: 2 };

/**
 * Looks names up for sinks: in the hosts file, then by name servers, and only what those do not know (or has no dot) by the system's own
 * ways. Those take a thread of a pool that look-ups of the whole process share, for half a minute where a name server is silent: never
 * more than one at a time. Who asks for a name that is asked for already waits for that answer.
 */
export function createResolve({ hosts, query, system }: NameSources): Resolve {
  const underWay = new Map<string, Promise<ResolvedAddress[]>>();
  let last: Promise<unknown> = Promise.resolve();

  const bySystem = (name: string): Promise<ResolvedAddress[]> => {
    const mine = last.then(() => system(name));
    last = mine.catch(() => undefined);
    return mine;
  };
  const find = async (name: string): Promise<ResolvedAddress[]> => {
    if (name === 'localhost' || name.endsWith('.localhost')) return loopback;
    const own = namedIn(await hosts().catch(() => ''), name);
    if (own.length > 0) return own;
    if (!name.includes('.')) return bySystem(name);
    try {
      return await query(name);
    } catch (error) {
      if (!isUnknown(error)) throw noAnswer(name, error);
    }
    return bySystem(name);
  };
  return (text) => {
    const name = text.toLowerCase();
    let found = underWay.get(name);
    if (found === undefined) {
      found = find(name).finally(() => underWay.delete(name));
      underWay.set(name, found);
    }
    return found;
  };
}

export interface NameSources {
  /** The hosts file's text. */
  hosts(): Promise<string>;
  /** Asks name servers. */
  query: Resolve;
  /** As the system's other programs find names. */
  system: Resolve;
}

/** Those of this machine. */
export const systemNames: NameSources = {
  hosts: () => readFile('/etc/hosts', 'utf8'),
  query: createQuery(QUERY),
  system: (name) => lookup(name, { all: true }) as Promise<ResolvedAddress[]>,
};

/** Asks the system's name servers, or `servers`, without a thread of the pool. */
export function createQuery(options: { timeout: number; tries: number; servers?: string[] }): Resolve {
  return async (name) => {
    // Made anew, so that other name servers are noticed.
    const resolver = new Resolver(options);
    if (options.servers !== undefined) resolver.setServers(options.servers);
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = [...addresses(four, 4), ...addresses(six, 6)];
    if (found.length > 0) return found;
    // What is no answer says more than that the other kind has none.
    const problems = [four, six].flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    throw problems.find((one) => !isUnknown(one)) ?? problems[0] ?? new Error(`${name} has no address`);
  };
}

const loopback: ResolvedAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

function addresses(asked: PromiseSettledResult<string[]>, family: 4 | 6): ResolvedAddress[] {
  return asked.status === 'fulfilled' ? asked.value.map((address) => ({ address, family })) : [];
}

function namedIn(hosts: string, name: string): ResolvedAddress[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const family = isIP(address) as 0 | 4 | 6;
    return family !== 0 && names.some((one) => one.toLowerCase() === name) ? [{ address, family }] : [];
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** A name server has answered that it does not know the name. */
function isUnknown(error: unknown): boolean {
  return ['ENOTFOUND', 'ENODATA'].includes(codeOf(error));
}

function noAnswer(name: string, error: unknown): HttpProblem {
  return new HttpProblem('connect', `${name} has no address: no name server answers (${codeOf(error)})`, {
    cause: error,
  });
}
