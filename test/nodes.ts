import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Versions of Node from the npm registry, kept beside the one that `bin/polymorph` fetches. */

const run = promisify(execFile);
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'polymorph-proxy');

/** Why none can be had here; undefined where they can. */
export const noNodes =
  process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
    ? undefined
    : 'other versions of Node are fetched on Linux alone';

/** Path of the newest Node of this version: `24`, or `22.19.0`. Fetched once, some 60 MB. */
export async function fetchNode(version: string): Promise<string> {
  const home = join(cache, `node-of-tests-${version}`);
  const binary = join(home, 'bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${home}.`);
  try {
    const name = `node-${process.platform}-${process.arch}@${version}`;
    await run('npm', ['pack', '--silent', '--fetch-retries=4', name], { cwd: folder });
    const [tarball = ''] = readdirSync(folder);
    await run('tar', ['-xzf', tarball, 'package/bin/node'], { cwd: folder });
    renameSync(join(folder, 'package'), home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return binary;
}
