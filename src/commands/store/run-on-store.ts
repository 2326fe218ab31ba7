import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AccountsError } from '../../accounts/index.ts';
import { type Operations, openOperations } from '../../control/index.ts';
import { adminUrl } from '../admin-url.ts';
import { CommandFailure, exitCodes } from '../command.ts';
import { loadForCommand } from '../config-file.ts';
import type { CommandIo } from '../io.ts';
import { usualFile } from '../usual-file.ts';
import { remoteOperations } from './remote-operations.ts';

/** Options of every command that needs the store. */
export interface StoreOptions {
  config?: string;
  admin?: string;
  token?: string;
  json?: boolean;
}

/** Adds them. */
export function withStoreOptions(command: Command): Command {
  return command
    .option('--config <file>', `the config, which names the store; default: ./${usualFile}`)
    .option('--admin <url>', 'ask the gateway with this admin listener, in place of --config')
    .option('--token <token>', 'admin token; default: POLYMORPH_ADMIN_TOKEN from the environment')
    .option('--json', 'print JSON');
}

/** What a command does with the store, and what it prints for people; with `--json` its value is printed instead. */
export interface StoreWork<T> {
  run(operations: Operations): Promise<T>;
  text(value: T): string;
}

/** Opens the store, does the work, closes the store and prints. As {@link onStore} fails. */
export async function runOnStore<T>(options: StoreOptions, io: CommandIo, work: StoreWork<T>): Promise<void> {
  const done = await onStore(options, io, work.run);
  if (done === undefined) return;
  io.stdout(options.json === true ? `${JSON.stringify(done.value, null, 2)}\n` : work.text(done.value));
}

/**
 * Opens the store, does the work and closes the store. Throws CommandFailure: exit 2 for input that is wrong, 1 for anything else.
 * Undefined, with exit code 2 set, where the config cannot be used. `migrate`: the schema is left as it is.
 */
export async function onStore<T>(
  options: StoreOptions,
  io: CommandIo,
  run: (operations: Operations) => Promise<T>,
  { migrate = false } = {},
): Promise<{ value: T } | undefined> {
  try {
    const operations = await open(options, io, migrate);
    if (operations === undefined) {
      io.setExitCode(exitCodes.usage);
      return undefined;
    }
    try {
      return { value: await run(operations) };
    } finally {
      await operations.close();
    }
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    const exitCode = error.code === 'invalid' ? exitCodes.usage : exitCodes.failure;
    const end = /[.?!)]$/.test(error.message) ? '' : '.';
    throw new CommandFailure(`${error.message}${end}`, exitCode, { cause: error });
  }
}

async function open(options: StoreOptions, io: CommandIo, migrate: boolean): Promise<Operations | undefined> {
  const given = options.token ?? io.env['POLYMORPH_ADMIN_TOKEN'] ?? '';
  const token = given === '' ? null : given;
  if (options.admin !== undefined) {
    if (options.config !== undefined)
      throw new CommandFailure('Give --config or --admin, not both.', exitCodes.usage);
    return remoteOperations(adminUrl(options.admin), token);
  }
  const file = options.config ?? (existsSync(join(io.cwd, usualFile)) ? usualFile : undefined);
  if (file === undefined)
    throw new CommandFailure(
      `Which store? Name the config with --config FILE (./${usualFile} is found by itself), or the admin listener of a running gateway with --admin URL.`,
      exitCodes.usage,
    );
  const config = loadForCommand(file, io, { warnings: false });
  return (
    config && openOperations({ config, migrate, remote: (url, own) => remoteOperations(url, token ?? own) })
  );
}
