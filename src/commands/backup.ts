import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommandIo, processIo } from './io.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

/** `polymorph backup FILE`: exit 0 written, 1 the file is there or cannot be written, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description(
      'Copy the embedded store (SQLite) to a new file, whole and as of one moment, also while the gateway runs.',
    )
    .argument('<file>', 'a new file on this machine')
    .addHelpText('after', help)
    .action(async (file: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('backup', { file: resolve(io.cwd, file) }),
        text: (done) => `Wrote ${done.file}\n`,
      });
    });
}

const help = `
Of PostgreSQL pg_dump makes back-ups.

Examples:
  polymorph backup store-2026-11-28.db`;
