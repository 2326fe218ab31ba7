import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Path of the anvil binary (a local Ethereum node) where the development dependency `@foundry-rs/anvil` is
 * installed, as in a checkout; undefined in the installed package and on platforms it does not exist for. The
 * binary is taken straight from the wrapper's optional package for this platform: no install script needs to have
 * run, and a signal sent to the child reaches anvil itself.
 */
export const findAnvil = (): string | undefined => {
  const platformPackage = `@foundry-rs/anvil-${process.platform}-${architectures[process.arch] ?? process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json');
    const folder = dirname(createRequire(wrapper).resolve(`${platformPackage}/package.json`));
    const path = join(folder, 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
};
