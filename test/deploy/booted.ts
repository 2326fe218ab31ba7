import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithUs } from '../program.ts';
import { ensureTools, outcome, root } from './tools.ts';

/** A machine of its own on this one: a real systemd as process 1, which has started `polymorph.service`. It shares the network. */
export interface BootedMachine extends AsyncDisposable {
  /** `/etc/polymorph` in there. */
  readonly config: string;
  /** Runs a program in there, as root. */
  run(program: string, ...args: string[]): ReturnType<typeof outcome>;
  /** Property of the service, as `systemctl show` has it. */
  show(property: string): string;
  /** Lines of `/proc/PID/FILE` of the service's process. */
  proc(file: string): string;
}

/** Whether a machine can be booted here: it takes root on Linux with Debian's systemd-container. */
export function canBoot(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    ensureTools('systemd-nspawn', 'nsenter');
    return true;
  } catch {
    return false;
  }
}

/**
 * Boots one with this unit and these files in `/etc/polymorph`. All but `/usr` is empty and in memory. Programs of the unit are found as on a
 * machine with `npm install --global`; what npm would put there is this checkout.
 */
export async function boot(unit: string, files: Readonly<Record<string, string>>): Promise<BootedMachine> {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-machine-'));
  const [bin, config] = [join(folder, 'bin'), join(folder, 'config')];
  mkdirSync(bin);
  mkdirSync(config);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text);
  writeFileSync(join(bin, 'polymorph'), '#!/bin/sh\nexec /opt/node /opt/polymorph/src/main.ts "$@"\n');
  chmodSync(join(bin, 'polymorph'), 0o755);
  chmodSync(folder, 0o755);
  const readOnly = {
    [process.execPath]: '/opt/node',
    [join(root, 'src')]: '/opt/polymorph/src',
    [join(root, 'package.json')]: '/opt/polymorph/package.json',
    [realpathSync(join(root, 'node_modules'))]: '/opt/polymorph/node_modules',
    [bin]: '/usr/local/bin',
    [config]: '/etc/polymorph',
    [unit]: '/etc/systemd/system/polymorph.service',
  };
  const machine: ChildProcess = spawn(
    'systemd-nspawn',
    [
      ...['--quiet', '--register=no', '--keep-unit', '--link-journal=no', '--console=read-only'],
      ...['--directory=/', '--volatile=yes', `--machine=polymorph-${process.pid}`],
      ...Object.entries(readOnly).map(([from, to]) => `--bind-ro=${from}:${to}`),
      ...['--boot', 'systemd.unit=polymorph.service', 'systemd.show_status=no', 'systemd.firstboot=no'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [machine.stdout, machine.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const ended = once(machine, 'exit');
  const release = machine.pid === undefined ? () => {} : endWithUs(machine.pid);

  const leader = (): string | undefined => {
    try {
      const children = readFileSync(`/proc/${machine.pid}/task/${machine.pid}/children`, 'utf8').trim();
      return children
        .split(' ')
        .find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd');
    } catch {
      return undefined;
    }
  };
  const run = (program: string, ...args: string[]) => {
    const pid = leader();
    if (pid === undefined) throw new Error(`the machine is not up:\n${said}`);
    return outcome('nsenter', [
      '--target',
      pid,
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--cgroup',
      program,
      ...args,
    ]);
  };
  const show = (property: string): string =>
    run('systemctl', 'show', '--value', `--property=${property}`, 'polymorph.service').stdout.trim();
  const close = async (): Promise<void> => {
    const pid = leader();
    // Halts it as a switch would: nothing of it is kept.
    if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
    machine.kill('SIGTERM');
    await ended;
    release();
    rmSync(folder, { recursive: true, force: true });
  };

  for (const end = performance.now() + 60_000; ; ) {
    const state = leader() === undefined ? '' : show('ActiveState');
    if (['active', 'failed'].includes(state)) break;
    if (performance.now() > end || machine.exitCode !== null) {
      await close();
      throw new Error(`the machine did not boot:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    ...{ config, run, show, [Symbol.asyncDispose]: close },
    proc: (file) => run('cat', `/proc/${show('MainPID')}/${file}`).stdout,
  };
}
