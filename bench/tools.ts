import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ensureScript = join(import.meta.dirname, '../scripts/ensure-tools.sh');

/** Installs what is missing where it may (root on a Debian), else throws an Error that says what to install. */
export function ensureTools(): void {
  // where Debian keeps servers is not on every user's PATH
  process.env.PATH = `${process.env.PATH}:/usr/sbin`;
  const needed = ['nginx', 'haproxy', 'wrk', 'h2load', 'gcc', 'redis-server'];
  // Debian's gcc does not bring the headers; the script takes what it cannot find for a package's name
  if (!existsSync('/usr/include/stdlib.h')) needed.push('libc6-dev');
  if (spawnSync(ensureScript, needed, { stdio: 'inherit' }).status !== 0) {
    throw new Error(`The bench needs ${needed.join(', ')}.`);
  }
  const missing = ['taskset', 'setpriv'].filter((tool) => !isThere(tool));
  if (missing.length > 0) {
    throw new Error(`The bench runs on Linux and needs ${missing.join(' and ')} (package util-linux).`);
  }
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
