import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';

/** Which cores (as taskset writes them) each part of a run has. */
export interface Cores {
  proxy: string;
  upstream: string;
  generator: string;
  generatorThreads: number;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  nginx: string;
  haproxy: string;
  placement: string;
}

/** The proxy has a core to itself; upstream and generator share the second one where there is no third. */
export function placeOnCores(count: number): Cores {
  if (count === 1) return { proxy: '0', upstream: '0', generator: '0', generatorThreads: 1 };
  if (count === 2) return { proxy: '0', upstream: '1', generator: '1', generatorThreads: 1 };
  if (count === 3) return { proxy: '0', upstream: '1', generator: '2', generatorThreads: 1 };
  return { proxy: '0', upstream: '1', generator: '2,3', generatorThreads: 2 };
}

export function describeMachine(cores: Cores): Machine {
  const all = cpus();
  const { proxy, upstream, generator } = cores;
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    nginx: version('nginx', ['-v'], /nginx\/(\S+)/),
    haproxy: version('haproxy', ['-v'], /version (\d[^\s-]*)/),
    placement: `proxy under test on core ${proxy}, upstream on ${upstream}, load generator on ${generator}`,
  };
}

function version(command: string, args: string[], pattern: RegExp): string {
  // nginx writes its version to stderr
  const text = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' });
  return pattern.exec(text)?.[1] ?? 'unknown';
}
