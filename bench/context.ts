import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { callBody, callPool, callerKeys, rawRequest, refusedKey } from './calls.ts';
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
  programs: { upstream: string; pace: string };
  files: { admitted: string; refused: string; body: string; request: string };
  connections: number;
  /** Wrong answers, errors, lost calls: a run with any of these has no valid figures. */
  faults: string[];
  progress(text: string): void;
}

export function createContext(options: Options): Context {
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
    programs: { upstream: compile('upstream', directory), pace: compile('pace', directory) },
    files: {
      admitted: write('admitted.pool', callPool(1024, callerKeys)),
      refused: write('refused.pool', callPool(1024, [refusedKey])),
      body: write('body.json', callBody(1)),
      request: write('request.http', rawRequest(callBody(1), callerKeys[1]!)),
    },
    connections: 64,
    faults: [],
    progress: (text) => console.log(text),
  };
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
