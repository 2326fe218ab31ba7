import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lays out files in a folder as the kubelet does with a ConfigMap or Secret, or swaps them for others: a folder with a time in its name holds
 * them, `..data` is a link to it that a rename replaces, each file is a link through `..data`, and the folder before goes at last.
 */
export function writeVolume(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  const data = join(folder, '..data');
  const before = existsSync(data) ? readlinkSync(data) : undefined;
  const timed = `..2026_11_29_${process.hrtime.bigint()}`;
  mkdirSync(join(folder, timed));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, timed, name), text);
  symlinkSync(timed, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), data);
  for (const name of Object.keys(files))
    if (before === undefined) symlinkSync(join('..data', name), join(folder, name));
  if (before !== undefined) rmSync(join(folder, before), { recursive: true });
}
