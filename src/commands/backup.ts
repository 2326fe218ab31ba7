import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from './command.ts';
import { type CommandIo, processIo } from './io.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

/** `polymorph backup FILE`: exit 0 written, 1 the file is there or cannot be written, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description(
      'Copy the embedded store (SQLite) to a new file, whole and as of one moment, also while the gateway runs.',
    )
    .argument('<file>', 'a new file; with --admin an absolute path on the gateway’s machine, which writes it')
    .addHelpText('after', help)
    .action(async (file: string, options: StoreOptions) => {
      const { admin } = options;
      if (admin !== undefined && !isAbsolute(file))
        throw new CommandFailure(
          `With --admin the gateway writes the file, on its own machine: give an absolute path there, not ${file}`,
          exitCodes.usage,
        );
      const where = admin === undefined ? '' : ` on the machine of the gateway at ${admin}`;
      await runOnStore(options, io, {
        run: (operations) => operations.run('backup', { file: resolve(io.cwd, file) }),
        text: (done) => `Wrote ${done.file}${where}\n`,
      });
    });
}

const help = `
The gateway that holds the store writes it; with --admin that may be on another machine. Of PostgreSQL pg_dump makes back-ups.

Examples:
  polymorph backup store-2026-11-28.db`;
