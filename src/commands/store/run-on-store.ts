import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AccountsError } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import { type Operations, openOperations } from '../../control/index.ts';
import { adminToken, adminUrl, tokenOption, usualAdmin } from '../admin-url.ts';
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
    .option(...tokenOption)
    .option('--json', 'print JSON');
}

/** What a command does with the store, and what it prints for people; with `--json` its value is printed instead. */
export interface StoreWork<T> {
  run(operations: Operations): Promise<T>;
  text(value: T): string;
}

/** Opens the store, does the work, closes the store and prints. As {@link onStore} fails. */
export async function runOnStore<T>(options: StoreOptions, io: CommandIo, work: StoreWork<T>): Promise<void> {
  printed(await onStore(options, io, work.run), options, io, work.text);
}

/** Prints what was done, if anything was: for people, or with `--json` the value. */
export function printed<T>(
  done: { value: T } | undefined,
  { json }: StoreOptions,
  io: CommandIo,
  text: (value: T) => string,
): void {
  if (done === undefined) return;
  io.stdout(json === true ? `${JSON.stringify(done.value, null, 2)}\n` : text(done.value));
  for (const warning of warningsOf(done.value)) io.stderr(`Note: ${warning}.\n`);
}

/** What an operation says beside its result; see `runOperation`. */
function warningsOf(value: unknown): readonly string[] {
  return (value as { warnings?: readonly string[] } | null)?.warnings ?? [];
}

/**
 * Opens the store, does the work and closes the store. Throws CommandFailure: exit 2 for input that is wrong, 1 for anything else.
 * Undefined, with exit code 2 set, where the config cannot be used. `asItIs`: the schema is left so.
 */
export function onStore<T>(
  options: StoreOptions,
  io: CommandIo,
  run: (operations: Operations) => Promise<T>,
  { asItIs = false } = {},
): Promise<{ value: T } | undefined> {
  return askedWith<Operations, T>(options, io, {
    remote: remoteOperations,
    open: (config, remote, onNews) => openOperations({ config, asItIs, remote, onNews }),
    run,
  });
}

/** How something can be asked: of a running gateway, or by way of the config. */
export interface Asking<Asked extends { close(): Promise<void> }, T> {
  remote(url: URL, token: string | null): Asked;
  open(
    config: Config,
    remote: (url: URL, token: string | null) => Asked,
    onNews: (message: string) => void,
  ): Promise<Asked>;
  run(asked: Asked): Promise<T>;
}

/** By `--admin`, or by the config. As {@link onStore} fails. */
export async function askedWith<Asked extends { close(): Promise<void> }, T>(
  options: StoreOptions,
  io: CommandIo,
  asking: Asking<Asked, T>,
): Promise<{ value: T } | undefined> {
  try {
    const asked = await open(options, io, asking);
    if (asked === undefined) {
      io.setExitCode(exitCodes.usage);
      return undefined;
    }
    try {
      return { value: await asking.run(asked) };
    } finally {
      await asked.close();
    }
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    const exitCode = error.code === 'invalid' ? exitCodes.usage : exitCodes.failure;
    const end = /[.?!)]$/.test(error.message) ? '' : '.';
    throw new CommandFailure(`${error.message}${end}`, exitCode, { cause: error });
  }
}

async function open<Asked extends { close(): Promise<void> }, T>(
  options: StoreOptions,
  io: CommandIo,
  asking: Asking<Asked, T>,
): Promise<Asked | undefined> {
  const token = adminToken(options.token, io.env);
  if (options.admin !== undefined) {
    if (options.config !== undefined)
      throw new CommandFailure('Give --config or --admin, not both.', exitCodes.usage);
    return asking.remote(adminUrl(options.admin), token);
  }
  const file = options.config ?? (existsSync(join(io.cwd, usualFile)) ? usualFile : undefined);
  if (file === undefined)
    throw new CommandFailure(
      `Which store? Name the config with --config FILE (./${usualFile} is found by itself), or the admin listener of a running gateway with --admin URL.`,
      exitCodes.usage,
    );
  const withoutVariables = `A gateway that runs has them: ask it with --admin ${usualAdmin}, or where its admin listener is.`;
  const config = loadForCommand(file, io, { warnings: false, withoutVariables });
  if (config === undefined) return undefined;
  return asking.open(
    config,
    (url, own) => asking.remote(url, token ?? own),
    (message) => io.stderr(`Note: ${message}.\n`),
  );
}
