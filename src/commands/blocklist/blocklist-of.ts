import { type BlocklistOperations, openBlocklist } from '../../control/index.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { usualAdmin } from '../admin-url.ts';
import type { CommandIo } from '../io.ts';
import { usualFile } from '../usual-file.ts';
import { remoteOperations } from '../store/remote-operations.ts';
import { askedWith, printed, type StoreOptions } from '../store/run-on-store.ts';

/** What a command does with the blocklist, and what it prints for people. */
interface BlocklistWork<T> {
  run(blocklist: BlocklistOperations): Promise<T>;
  text(value: T): string;
}

/**
 * Opens the bans of the config, or asks a gateway, does the work and prints. Where neither is named and there is no config here the gateway is
 * asked that runs on this machine as one does without a config. Fails as `onStore` does.
 */
export async function blocklistOf<T>(
  options: StoreOptions,
  io: CommandIo,
  work: BlocklistWork<T>,
): Promise<void> {
  const nothingNamed = options.config === undefined && options.admin === undefined;
  const asksUsual = nothingNamed && !existsSync(join(io.cwd, usualFile));
  const asked = asksUsual ? { ...options, admin: usualAdmin } : options;
  const done = await askedWith<BlocklistOperations, T>(asked, io, {
    remote: (url, token) => remoteOperations(url, token) as BlocklistOperations,
    open: (config, remote, onNews) => openBlocklist({ config, remote, onNews }),
    run: work.run,
  });
  printed(done, options, io, work.text);
}
