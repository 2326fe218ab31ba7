import { Command } from 'commander';
import { commands } from '../../src/commands/index.ts';

const quiet = { stdout() {}, stderr() {}, env: {}, cwd: '/', setExitCode() {} };

/** The program's command line with the options of its command `name`, of which none does anything. */
async function inert(name: string, complain: (text: string) => void): Promise<Command> {
  const program = new Command('polymorph').version('0').exitOverride();
  program.configureOutput({ writeErr: complain, writeOut: () => {}, outputError: (text) => complain(text) });
  for (const entry of commands) {
    const command = program.command(entry.name);
    if (entry.name !== name) continue;
    const { configure } = (await entry.load()) as { configure(command: Command, io: typeof quiet): void };
    configure(command, quiet);
    disarm(command);
  }
  return program;
}

function disarm(command: Command): void {
  if (command.commands.length === 0) command.action(() => {});
  for (const inner of command.commands) disarm(inner);
}

/** What the real parser says against `polymorph ARGS`, or undefined. Nothing is run. */
export async function judgePolymorph(args: readonly string[]): Promise<string | undefined> {
  let complaint = '';
  const name = args[0] === 'help' ? (args[1] ?? '') : (args[0] ?? '');
  const program = await inert(name, (text) => void (complaint ||= text.trim()));
  try {
    await program.parseAsync(args[0] === 'help' ? [...args.slice(1), '--help'] : args, { from: 'user' });
    return undefined;
  } catch (error) {
    const { exitCode, message } = error as { exitCode?: number; message: string };
    return exitCode === 0 ? undefined : complaint || message;
  }
}

/**
 * The same of a command that prose speaks of: it may be without what it needs. Its command, subcommand and options must be there;
 * words in capitals or in angle brackets stand for others.
 */
export async function judgeMention(words: readonly string[]): Promise<string | undefined> {
  const [name = ''] = words;
  if (name === '' || name.startsWith('-') || name === 'help' || /^[A-Z<…]/.test(name)) return undefined;
  let command = (await inert(name, () => {})).commands.find((one) => one.name() === name);
  if (command === undefined) return `there is no command ${name}`;
  const [, second = ''] = words;
  if (command.commands.length > 0 && /^[a-z]/.test(second)) {
    const inner = command.commands.find((one) => one.name() === second);
    if (inner === undefined) return `there is no command ${name} ${second}`;
    command = inner;
  }
  const options = new Set(command.options.flatMap(({ long, short }) => [long, short]));
  for (const word of words) {
    const [option = ''] = word.split('=');
    if (/^--?[a-z]/.test(option) && option !== '--help' && !options.has(option))
      return `${command.name()} has no option ${option}`;
  }
  return undefined;
}
