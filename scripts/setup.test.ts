import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const script = (path: string, text: string): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
};

/** A Node that calls itself `version` and is this one for the rest. */
const nodeOf = (version: string, path = 'path/node'): string =>
  script(path, `[ "$*" = --version ] && { echo v${version}; exit; }\nexec '${process.execPath}' "$@"`);

/** Runs shell text with the library loaded, on a PATH of our own `path` folder and the system's basic tools. */
const shell = (text: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync('/bin/sh', ['-c', `set -eu; root='${root}'; . '${root}/scripts/setup.sh'; ${text}`], {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'path')}:${join(folder, 'tools')}`, HOME: join(folder, 'home') },
  });

const basicTools = [
  'uname',
  'mkdir',
  'mktemp',
  'rm',
  'tar',
  'gzip',
  'cat',
  'cksum',
  'readlink',
  'ln',
  'mv',
  'sleep',
  'rmdir',
  'find',
  'cp',
  'tail',
];
beforeEach(() => {
  mkdirSync(join(folder, 'tools'));
  for (const tool of basicTools) {
    const place = ['/bin', '/usr/bin'].map((bin) => join(bin, tool)).find((path) => existsSync(path));
    symlinkSync(place ?? tool, join(folder, 'tools', tool));
  }
});

describe('the Node that is used', () => {
  test.each([
    ['22.19.0', true],
    ['22.18.9', false],
    ['20.20.2', false],
    ['23.11.0', false],
    ['24.2.0', false],
    ['24.3.0', true],
    ['26.10.0', true],
    ['100.0.0', true],
    ['nonsense', false],
  ])('%s fits: %s', (version, fits) => {
    nodeOf(version);
    expect(shell('node_fits node').status).toBe(fits ? 0 : 1);
  });

  test('is the one on the PATH if it fits', () => {
    const path = nodeOf('26.0.0');
    expect(shell('use_node; command -v node').stdout.trim()).toBe(path);
  });

  test('is the cached one if the one on the PATH is too old', () => {
    nodeOf('20.20.2');
    const cached = nodeOf('26.10.0', 'home/.cache/polymorph-proxy/node-26.10.0/bin/node');
    const { stdout, stderr } = shell('use_node; command -v node');
    expect(stdout.trim()).toBe(cached);
    expect(stderr).toBe('');
  });

  test('cannot be fetched without npm: says what to install', () => {
    nodeOf('20.20.2');
    const { status, stdout, stderr } = shell('use_node; echo on');
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('no npm to fetch one with: install Node 22.19 or newer');
  });

  test('is not fetched for a system it does not exist for', () => {
    nodeOf('20.20.2');
    script(
      'path/uname',
      'case $1 in -s) echo FreeBSD ;; -m) echo riscv64 ;; *) echo FreeBSD riscv64 ;; esac',
    );
    const { status, stderr } = shell('use_node');
    expect(status).not.toBe(0);
    expect(stderr).toContain('none can be fetched for FreeBSD riscv64: install Node');
  });

  test('is refused if the package is not the one expected, and leaves nothing behind', () => {
    nodeOf('20.20.2');
    script('path/npm', 'for last; do :; done; name=${last%@*}; echo rubbish >"$name-${last##*@}.tgz"');
    const { status, stderr } = shell('use_node');
    expect(status).not.toBe(0);
    expect(stderr).toContain('is not the package expected');
    expect(readdirSync(join(folder, 'home/.cache/polymorph-proxy'))).toEqual([]);
  });

  describe('where the pinned one lacks a library', () => {
    const [pinned, modest] = ['pinned', 'modest'].map((which) => {
      const text = readFileSync(join(root, 'scripts/setup.sh'), 'utf8');
      const version = new RegExp(`^${which}_node=(.*)$`, 'm').exec(text)?.[1] ?? '';
      const digest = new RegExp(`"\\$${which}_node"-Linux-x86_64[^]*?digest=(\\S+)`).exec(text)?.[1] ?? '';
      return { version, digest };
    }) as [{ version: string; digest: string }, { version: string; digest: string }];
    const lacks = 'echo "node: error while loading shared libraries: libatomic.so.1" >&2; exit 127';

    /** An npm that packs Nodes, of which those in `broken` do not run, and an old Node that vouches for what it packed. */
    const packing = (...broken: string[]): void => {
      const digests = [pinned, modest].map(({ version, digest }) => `*${version}*) echo ${digest} ;;`);
      script('path/uname', 'case $1 in -s) echo Linux ;; *) echo x86_64 ;; esac');
      script(
        'path/node',
        `[ "$1" = --version ] && { echo v18.20.4; exit; }\ncase $3 in ${digests.join(' ')} esac`,
      );
      const cases = broken.map((version) => `*@${version}) printf '#!/bin/sh\\n%s\\n' '${lacks}' ;;`);
      script(
        'path/npm',
        `for last; do :; done; name=\${last%@*}; version=\${last##*@}; mkdir -p package/bin; : >package/LICENSE
        case $last in ${cases.join(' ')}
          *) printf '#!/bin/sh\\n[ "$1" = --version ] && { echo v%s; exit; }; exec %s "$@"\\n' "$version" '${process.execPath}' ;;
        esac >package/bin/node
        chmod 755 package/bin/node; tar -czf "$name-$version.tgz" package; rm -r package`,
      );
      symlinkSync(
        ['/bin/chmod', '/usr/bin/chmod'].find((path) => existsSync(path)) ?? '',
        join(folder, 'tools/chmod'),
      );
    };

    test('an older one is fetched in its place, once, and it is said what is missing', () => {
      packing(pinned.version);
      const first = shell('use_node; command -v node');
      const place = join(folder, `home/.cache/polymorph-proxy/node-${modest.version}/bin/node`);
      expect(first.stdout.trim()).toBe(place);
      expect(first.stderr).toContain(`Node ${pinned.version} does not run here: node: error while loading`);
      expect(first.stderr).toContain('apt-get install libatomic1');
      const second = shell('use_node; command -v node');
      expect(second).toMatchObject({ status: 0, stdout: `${place}\n`, stderr: '' });
      expect(readdirSync(join(folder, 'home/.cache/polymorph-proxy'))).toEqual([`node-${modest.version}`]);
    });

    test('and where that one does not run either, it ends with the reason', () => {
      packing(pinned.version, modest.version);
      const { status, stdout, stderr } = shell('use_node; echo on');
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain(`Node ${modest.version} does not run here`);
      expect(stderr).toContain('no Node that could be fetched runs here: install Node 22.19 or newer');
    });
  });
});

describe('dependencies', () => {
  /** A checkout with one dependency, and an npm that installs it slowly and notes each run. */
  const checkout = (): string => {
    nodeOf('26.0.0');
    const place = join(folder, 'checkout');
    mkdirSync(join(place, 'scripts'), { recursive: true });
    for (const file of ['setup.sh', 'dependencies-fit.mjs'])
      cpSync(join(root, 'scripts', file), join(place, 'scripts', file));
    writeFileSync(join(place, 'package-lock.json'), lockfile('1.0.0'));
    script(
      'path/npm',
      `[ "$1" = config ] && exit
      echo run >>'${folder}/runs'; echo noise
      sleep 0.3; mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json`,
    );
    return place;
  };
  const lockfile = (version: string, own = '0.1.0'): string =>
    JSON.stringify({ packages: { '': { version: own }, 'node_modules/x': { version } } });
  const runs = (): number =>
    existsSync(join(folder, 'runs'))
      ? spawnSync('cat', [join(folder, 'runs')], { encoding: 'utf8' }).stdout.split('run').length - 1
      : 0;
  const install = (place: string): string => `root='${place}'; use_node; use_dependencies; echo done`;

  test('are installed once, quietly on standard output, and again when the lockfile changes', () => {
    const place = checkout();
    const first = shell(install(place));
    expect(first.stdout).toBe('done\n');
    expect(first.stderr).toContain('installing dependencies');
    expect(shell(install(place)).stderr).toBe('');
    expect(runs()).toBe(1);
    writeFileSync(join(place, 'package-lock.json'), lockfile('1.0.1'));
    expect(shell(install(place)).stdout).toBe('done\n');
    expect(runs()).toBe(2);
    expect(existsSync(join(place, '.install.lock'))).toBe(false);
  });

  test('are not installed when what is there fits', () => {
    const place = checkout();
    mkdirSync(join(place, 'node_modules'));
    writeFileSync(join(place, 'node_modules/.package-lock.json'), lockfile('1.0.0', '0.0.9'));
    expect(shell(install(place)).stdout).toBe('done\n');
    expect(runs()).toBe(0);
  });

  test('are installed by one of two at once, and by the next after one died', async () => {
    const place = checkout();
    const text = `set -eu; root='${root}'; . '${root}/scripts/setup.sh'; ${install(place)}`;
    const env = { PATH: `${join(folder, 'path')}:${join(folder, 'tools')}`, HOME: join(folder, 'home') };
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    symlinkSync(String(gone), join(place, '.install.lock'));
    const codes = await Promise.all(
      [1, 2, 3].map(
        () => new Promise((resolve) => spawn('/bin/sh', ['-c', text], { env }).on('exit', resolve)),
      ),
    );
    expect(codes).toEqual([0, 0, 0]);
    expect(runs()).toBe(1);
    expect(readdirSync(place).filter((name) => name.startsWith('.install'))).toEqual([]);
  });
});

describe('bin/polymorph', () => {
  test('follows links, prints only what the program prints, hands on its exit code', () => {
    symlinkSync(join(root, 'bin/polymorph'), join(folder, 'one'));
    symlinkSync('one', join(folder, 'two'));
    const { status, stdout, stderr } = spawnSync(join(folder, 'two'), ['--version'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(status).toBe(0);
    expect(spawnSync(join(folder, 'two'), ['bogus']).status).toBe(2);
  });
});
