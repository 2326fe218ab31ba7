import { type BlocklistOperations, openBlocklist } from '../../control/index.ts';
import type { CommandIo } from '../io.ts';
import { remoteOperations } from '../store/remote-operations.ts';
import { askedWith, printed, type StoreOptions } from '../store/run-on-store.ts';

/** What a command does with the blocklist, and what it prints for people. */
interface BlocklistWork<T> {
  run(blocklist: BlocklistOperations): Promise<T>;
  text(value: T): string;
}

/** Opens the bans of the config, or asks a gateway, does the work and prints. Fails as `onStore` does. */
export async function blocklistOf<T>(
  options: StoreOptions,
  io: CommandIo,
  work: BlocklistWork<T>,
): Promise<void> {
  const done = await askedWith<BlocklistOperations, T>(options, io, {
    remote: (url, token) => remoteOperations(url, token) as BlocklistOperations,
    open: (config, remote, onNews) => openBlocklist({ config, remote, onNews }),
    run: work.run,
  });
  printed(done, options, io, work.text);
}
