import { spawnSync } from 'node:child_process';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Wall time of a program under test, moved while it runs; its timers keep their pace. */
export interface FakeClock {
  /** What the program is to be started with. */
  readonly env: Record<string, string>;
  /** From now on it is this time, and goes on from there. */
  set(utc: string): void;
}

/** Of Debian's package `faketime`, which is installed where we may; undefined where there is none. */
export function findFaketime(): string | undefined {
  const found = lookForFaketime();
  if (found !== undefined || process.platform !== 'linux') return found;
  const tools = join(import.meta.dirname, '../../scripts/ensure-tools.sh');
  spawnSync(tools, ['faketime'], { stdio: 'inherit', timeout: 2 * 60_000 });
  return lookForFaketime();
}

function lookForFaketime(): string | undefined {
  const name = 'faketime/libfaketimeMT.so.1';
  return [...globSync(`/usr/lib/*/${name}`), `/usr/lib/${name}`].find(existsSync);
}

export function createFakeClock(library: string, folder: string): FakeClock {
  const file = join(folder, 'clock');
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set(utc) {
      const seconds = (Date.parse(utc) - Date.now()) / 1000;
      writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds.toFixed(3)}`);
    },
  };
}
