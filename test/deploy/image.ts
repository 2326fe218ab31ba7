import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { endWithUs } from '../program.ts';
import { outcome, root } from './tools.ts';

export const dockerfile = join(root, 'deploy/docker/Dockerfile');

/** What the last stage of the Dockerfile says of the image. */
export interface ImageSettings {
  user: number;
  folder: string;
  volume: string;
  env: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
}

export function readDockerfile(): ImageSettings {
  const stage = readFileSync(dockerfile, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split(/^FROM .*$/m)
    .at(-1)!;
  const said = (instruction: string): string => {
    const [line, ...others] = [...stage.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))];
    if (line === undefined || others.length > 0) throw new Error(`expected one ${instruction}`);
    return line[1]!;
  };
  return {
    user: Number(said('USER').split(':')[0]),
    folder: said('WORKDIR'),
    volume: said('VOLUME'),
    env: Object.fromEntries(
      said('ENV')
        .split(' ')
        .map((pair) => pair.split('=') as [string, string]),
    ),
    entrypoint: JSON.parse(said('ENTRYPOINT')) as string[],
    command: JSON.parse(said('CMD')) as string[],
    healthcheck: JSON.parse(said('HEALTHCHECK').replace(/^.*? CMD /, '')) as string[],
  };
}

/** The program in namespaces of its own: see {@link startContainer}. */
export interface Container extends AsyncDisposable {
  /** Process 1 in there, by its number out here. */
  readonly pid: number;
  output(): string;
  /** Runs a program in there, as the same user. */
  run(...command: string[]): ReturnType<typeof outcome>;
  readonly exited: Promise<{ code: number | null }>;
}

/** Made by {@link prepareImage}. */
export interface Image {
  folder: string;
  settings: ImageSettings;
}

/** The files that the last stage would have: what the Dockerfile's build step makes, our dependencies, and `/usr` of this machine as base. */
export function prepareImage(): Image {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-image-'));
  const built = outcome(join(root, 'scripts/build'), [join(folder, 'dist')]);
  if (built.code !== 0) throw new Error(built.output);
  return { folder, settings: readDockerfile() };
}

/**
 * Runs the image as a container would be, by the kernel's own means: a file system that is read-only but for `state`, process 1 of a process
 * namespace of its own, the Dockerfile's user, no capability and no way to one. It shares the network. Takes root. `config`: the folder at
 * `/etc/polymorph`.
 */
export async function startContainer(
  { folder, settings }: Image,
  config: string,
  state: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Container> {
  const place = mkdtempSync(join(folder, 'root-'));
  chmodSync(place, 0o755);
  const inside = (path: string) => join(place, path);
  for (const path of [
    'usr',
    'proc',
    'dev',
    'tmp',
    'opt/node',
    'app/dist',
    'app/node_modules',
    settings.folder,
    settings.volume,
  ])
    mkdirSync(inside(path), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, inside(name));
  writeFileSync(inside('app/package.json'), readFileSync(join(root, 'package.json')));
  mkdirSync(state, { recursive: true });
  chownSync(state, settings.user, settings.user);

  const bound: readonly [from: string, to: string][] = [
    ['/usr', 'usr'],
    [dirname(process.execPath), 'opt/node'],
    [join(folder, 'dist'), 'app/dist'],
    [realpathSync(join(root, 'node_modules')), 'app/node_modules'],
    [config, settings.folder],
  ];
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const demote = [
    ...['/usr/bin/setpriv', `--reuid=${settings.user}`, `--regid=${settings.user}`, '--clear-groups'],
    ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
  ];
  const variables = Object.entries({ PATH: '/opt/node:/usr/bin', ...settings.env, ...env });
  const words = [...settings.entrypoint, ...settings.command];
  const script = [
    'set -e',
    `mount --bind ${place} ${place}`,
    ...bound.flatMap(([from, to]) => [
      `mount --bind ${quoted(from)} ${inside(to)}`,
      `mount -o remount,bind,ro ${inside(to)}`,
    ]),
    `mount --bind ${state} ${inside(settings.volume)}`,
    `mount -t proc proc ${inside('proc')}`,
    `mount --bind /dev ${inside('dev')}`,
    `mount -o remount,bind,ro ${place}`,
    `cd ${place}`,
    `exec /usr/sbin/chroot . /usr/bin/env -i -C ${settings.folder} ${[...variables.map(([name, value]) => `${name}=${value}`), ...demote, ...words].map(quoted).join(' ')}`,
  ].join('\n');
  const outer: ChildProcess = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--ipc', '--uts', '--kill-child', 'sh', '-c', script],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [outer.stdout, outer.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const exited = once(outer, 'exit').then(([code]) => ({ code: code as number | null }));
  const release = outer.pid === undefined ? () => {} : endWithUs(outer.pid);
  void exited.then(release);
  for (const end = performance.now() + 60_000; !said.includes('"msg":"serving"'); ) {
    if (outer.exitCode !== null || performance.now() > end) {
      outer.kill('SIGKILL');
      throw new Error(`it does not serve:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const pid = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8'));
  return {
    ...{ pid, exited },
    output: () => said,
    run: (...command) =>
      outcome('nsenter', [
        ...[`--target=${pid}`, '--mount', '--pid', '--ipc', '--uts', '--root', '--wd', '--'],
        ...['/usr/bin/env', 'PATH=/opt/node:/usr/bin', ...demote, ...command],
      ]),
    async [Symbol.asyncDispose]() {
      outer.kill('SIGKILL');
      await exited;
      rmSync(place, { recursive: true, force: true });
    },
  };
}
