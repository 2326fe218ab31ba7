import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const packageOf = {
  wrk: 'wrk',
  nginx: 'nginx',
  haproxy: 'haproxy',
  h2load: 'nghttp2-client',
  gcc: 'gcc',
  taskset: 'util-linux',
  setpriv: 'util-linux',
};
const policyFile = '/usr/sbin/policy-rc.d';

/** Installs what is missing where it may (root on a Debian), else throws an Error that says what to install. */
export function ensureTools(): void {
  const missing = Object.entries(packageOf).filter(([tool]) => !isThere(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (packages.includes('gcc')) packages.push('libc6-dev');
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    throw new Error(
      `The bench needs ${missing.map(([tool]) => tool).join(', ')}. Install (Debian): ${packages.join(' ')}`,
    );
  }
  console.log(`Installing ${packages.join(', ')} …`);
  install(packages);
  const still = missing.filter(([tool]) => !isThere(tool)).map(([tool]) => tool);
  if (still.length > 0) throw new Error(`Still missing after the installation: ${still.join(', ')}`);
}

/** Compiles bench/native/`name`.c into `directory` and returns the program's path. */
export function compile(name: string, directory: string): string {
  const program = join(directory, name);
  const source = join(import.meta.dirname, 'native', `${name}.c`);
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, source, '-lm'], { stdio: 'inherit' });
  return program;
}

/** Whether a program of this name can be run. */
export function isThere(tool: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', tool]).status === 0;
}

function install(packages: string[]): void {
  // Debian starts a server as soon as it is installed; this policy file keeps it from doing so
  const ours = !existsSync(policyFile);
  if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { stdio: ['ignore', 'ignore', 'inherit'] as 'ignore'[], env: environment };
    execFileSync('apt-get', ['update', '-qq'], options);
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
  } finally {
    if (ours) rmSync(policyFile);
  }
}
