import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseListen } from '../config/index.ts';
import type { ConfigOverrides, ConfigSource } from '../control/index.ts';
import { findAnvil } from './anvil.ts';
import { CommandFailure, exitCodes } from './command.ts';
import { usualFile } from './usual-file.ts';
import { type CommandIo, processIo } from './io.ts';
import { runDemo } from './demo/run-demo.ts';
import { runGateway } from './start/run-gateway.ts';

interface StartOptions {
  config?: string;
  upstream?: string;
  listen?: ConfigOverrides['listen'];
  adminListen?: ConfigOverrides['adminListen'];
  workers?: number;
  logLevel?: ConfigOverrides['logLevel'];
  logFormat?: ConfigOverrides['logFormat'];
  watch: boolean;
}

/** What a start is to run. */
export type StartChoice = { kind: 'gateway'; source: ConfigSource } | { kind: 'demo'; anvil: string };

/** `polymorph start`: exit 0 after a drain, 1 when the machine does not let it run, 2 for a bad option or config. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .option('--config <file>', `the config file; default: ./${usualFile} if there is one`)
    .option('--upstream <url>', 'without a config: the node to stand in front of, with default settings')
    .option('--listen <host:port>', 'where callers connect; default: 127.0.0.1:8540', listenAddress)
    .option(
      '--admin-listen <host:port>',
      'where operators connect, or none; default: 127.0.0.1:9540',
      adminAddress,
    )
    .option('--workers <number>', 'data-plane threads; default: one per core', wholeNumber)
    .addOption(
      new Option('--log-level <level>', 'least level written').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
        'fatal',
        'silent',
      ]),
    )
    .addOption(new Option('--log-format <format>', 'form of the log').choices(['auto', 'json', 'pretty']))
    .option('--no-watch', 'do not reload when the config file changes (SIGHUP still does)')
    .addHelpText('after', help)
    .action(async (options: StartOptions) => {
      const { config: _, upstream: __, watch, ...overrides } = options;
      const choice = chooseStart(options, io.cwd, findAnvil);
      const version = command.parent?.version() ?? '';
      const shared = { overrides, watch, version, io };
      if (choice.kind === 'demo') await runDemo({ ...shared, anvil: choice.anvil });
      else await runGateway({ ...shared, source: choice.source });
    });
}

const help = `
Without options and without ./${usualFile}, a checkout runs a demo in front of a local Ethereum node of its own.

Signals: SIGHUP reloads the config; SIGTERM or Ctrl-C finishes what is under way and ends, a second one ends at once.

Examples:
  polymorph start
  polymorph start --upstream http://127.0.0.1:8545
  polymorph start --config polymorph.yaml --listen 0.0.0.0:8540`;

/** Decides what to run. Throws CommandFailure where nothing can be. */
export function chooseStart(
  { config, upstream }: Pick<StartOptions, 'config' | 'upstream'>,
  cwd: string,
  anvil: () => string | undefined,
): StartChoice {
  if (config !== undefined && upstream !== undefined) {
    throw new CommandFailure(
      'Give --config or --upstream, not both: a config names its upstreams.',
      exitCodes.usage,
    );
  }
  if (config !== undefined) return { kind: 'gateway', source: { kind: 'file', path: config } };
  if (upstream !== undefined) {
    const value = { upstreams: [{ url: upstream }] };
    return { kind: 'gateway', source: { kind: 'value', value, name: '--upstream', directory: cwd } };
  }
  if (existsSync(join(cwd, usualFile)))
    return { kind: 'gateway', source: { kind: 'file', path: join(cwd, usualFile) } };
  const binary = anvil();
  if (binary !== undefined) return { kind: 'demo', anvil: binary };
  throw new CommandFailure(
    `Which node should it stand in front of? Name it:
  polymorph start --upstream http://127.0.0.1:8545
or write a config and name that (./${usualFile} is found by itself):
  polymorph start --config ${usualFile}`,
    exitCodes.usage,
  );
}

function listenAddress(text: string): NonNullable<ConfigOverrides['listen']> {
  const address = parseListen(text);
  if (address === undefined)
    throw new InvalidArgumentError('Expected an address and port such as 127.0.0.1:8540.');
  return address;
}

function adminAddress(text: string): NonNullable<ConfigOverrides['adminListen']> {
  return text === 'none' ? text : listenAddress(text);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d{1,3}$/.test(text) || number < 1 || number > 256) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 256.');
  }
  return number;
}
