#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { CommandFailure, commands, exitCodes } from './commands/index.ts';

const version = (): string => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
};

/** The whole command line. A command's own file is imported when the user names it, so the rest stays quick. */
const createProgram = (): Command => {
  const program = new Command('polymorph')
    .description('A JSON-RPC gateway: exact, explained rate limits, API keys and quotas in front of any node.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError("(see 'polymorph --help')")
    .exitOverride();
  for (const entry of commands) {
    program.command(entry.name).summary(entry.summary).description(entry.summary).exitOverride();
  }
  program.hook('preSubcommand', async (_, subcommand) => {
    const entry = commands.find(({ name }) => name === subcommand.name());
    if (entry !== undefined) (await entry.load()).configure(subcommand);
  });
  return program;
};

/** Maps what a command threw to its exit code, and says on standard error what its user should know. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`polymorph: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCodes.failure;
};

// `polymorph schema | head` closes our output early: that is the reader's right, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

/** `help NAME` as `NAME --help`: commander's own help would not load the command's options first. */
const argumentsOf = ([first, name, ...rest]: string[]): string[] =>
  first === 'help' && name !== undefined
    ? [name, '--help']
    : [first, name, ...rest].filter((argument) => argument !== undefined);

try {
  await createProgram().parseAsync(argumentsOf(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
