import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { callBody, callPool, callerKeys, refusedKey, requestPool } from './calls.ts';
import { type Cores, placeOnCores } from './machine.ts';
import type { Options } from './options.ts';
import { createProcesses, type Processes } from './processes.ts';
import { compile } from './tools.ts';

/** What every scenario of one run shares. */
export interface Context {
  options: Options;
  cores: Cores;
  processes: Processes;
  /** Temporary folder of this run. */
  directory: string;
  programs: { upstream: string; pace: string; sockets: string };
  files: {
    /** {@link poolSize} calls that are let through. */
    admitted: string;
    /** More of them, for loads that have as many in flight as the other holds. */
    deep: string;
    refused: string;
    /** One body that no proxy may keep or share. */
    body: string;
    /** The calls of `admitted` as HTTP requests. */
    requests: string;
  };
  /** Whether the program knows caches and what else concerns upstreams; older ones do not. */
  knowsUpstreams: boolean;
  /** Whether it serves WebSockets. */
  knowsSockets: boolean;
  /** Whether it keeps usage. */
  knowsStore: boolean;
  /** Whether several of it share limits. */
  knowsRedis: boolean;
  connections: number;
  /** Wrong answers, errors, lost calls: a run with any of these has no valid figures. */
  faults: string[];
  progress(text: string): void;
}

/** Different calls that loads go round. */
export const poolSize = 1024;

export function createContext(options: Options): Context {
  const sections = sectionsOf(options.program);
  const directory = mkdtempSync(join(tmpdir(), 'polymorph-bench-'));
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    options,
    cores: placeOnCores(cpus().length),
    processes: createProcesses(directory),
    directory,
    programs: {
      upstream: compile('upstream', directory),
      pace: compile('pace', directory),
      sockets: compile('sockets', directory),
    },
    files: {
      admitted: write('admitted.pool', callPool(poolSize, callerKeys)),
      deep: write('deep.pool', callPool(8 * poolSize, callerKeys)),
      refused: write('refused.pool', callPool(poolSize, [refusedKey])),
      body: write('body.json', callBody(1, 'pending')),
      requests: write('requests.http', requestPool(poolSize, callerKeys)),
    },
    knowsUpstreams: sections.includes('cache'),
    knowsSockets: sections.includes('websocket'),
    knowsStore: sections.includes('store'),
    knowsRedis: sections.includes('redis'),
    connections: 64,
    faults: [],
    progress: (text) => console.log(text),
  };
}

/** Top-level names of the program's config. */
function sectionsOf(program: string): string[] {
  const schema = execFileSync(process.execPath, [program, 'schema'], { encoding: 'utf8' });
  return Object.keys((JSON.parse(schema) as { properties: object }).properties);
}

export function removeContext(context: Context): void {
  rmSync(context.directory, { recursive: true, force: true });
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
