import { Command, CommanderError } from 'commander';
import { type CommandEntry, CommandFailure, exitCodes } from './command.ts';

export interface ProgramParts {
  commands: readonly CommandEntry[];
  version: string;
  /** Where messages about the command line go. */
  stderr(text: string): void;
}

/**
 * Runs one command line (without the program's own name) and gives its exit code; undefined where the command has set
 * one itself or succeeded. What went wrong has been said on standard error then. Only the file of the command that is
 * named gets imported, so the rest stays quick.
 */
export async function runProgram(given: readonly string[], parts: ProgramParts): Promise<number | undefined> {
  const [first = '', ...rest] = given;
  // `help NAME` as `NAME --help`: commander's own help would not load the command's options first.
  const [name, ...others] =
    first === 'help' && rest.length > 0 ? [rest[0] ?? '', '--help'] : [first, ...rest];
  const known = parts.commands.some((entry) => entry.name === name);
  // An unknown command is an error, and never asks for help on itself.
  const line = known || name.startsWith('-') || name === 'help' || name === '' ? [name, ...others] : [name];
  try {
    const program = await createProgram(parts, name);
    await program.parseAsync(given.length === 0 ? [] : line, { from: 'user' });
    return undefined;
  } catch (error) {
    return exitCodeOf(error, parts.stderr);
  }
}

/**
 * The whole command line, with the options of the command `named`. They are added before parsing begins: commander
 * sets defaults as it comes to a command, before any hook could load it.
 */
async function createProgram({ commands, version, stderr }: ProgramParts, named: string): Promise<Command> {
  const program = new Command('polymorph')
    .description(
      'A JSON-RPC gateway: exact, explained rate limits, API keys and quotas in front of any node.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({ writeErr: stderr })
    .showHelpAfterError("(see 'polymorph --help')")
    .exitOverride();
  for (const entry of commands) {
    const command = program
      .command(entry.name)
      .summary(entry.summary)
      .description(`${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}.`)
      .showHelpAfterError(`(see 'polymorph ${entry.name} --help')`);
    if (entry.name === named) (await entry.load()).configure(command);
    // Its own verbs took over what it says after an error, and have more to say by their own help.
    for (const verb of command.commands)
      verb.showHelpAfterError(`(see 'polymorph ${entry.name} ${verb.name()} --help')`);
  }
  return program;
}

/** Maps what a command threw to its exit code, and says on standard error what its user should know. */
function exitCodeOf(error: unknown, stderr: ProgramParts['stderr']): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CommandFailure) {
    stderr(`${error.message}\n`);
    return error.exitCode;
  }
  stderr(`polymorph: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCodes.failure;
}
