import { Command } from 'commander';
import { expect } from 'vitest';
import { commands } from '../index.ts';

/** What a command line printed, and its exit code. */
export interface Ran {
  stdout: string;
  stderr: string;
  code: number;
}

/** Runs a command line in a folder as the program does, with nothing in its environment. */
export async function runCommand(cwd: string, args: readonly string[]): Promise<Ran> {
  const result: Ran = { stdout: '', stderr: '', code: 0 };
  const io = {
    stdout: (text: string) => void (result.stdout += text),
    stderr: (text: string) => void (result.stderr += text),
    env: {},
    cwd,
    setExitCode: (code: number) => void (result.code = code),
  };
  const program = new Command('polymorph')
    .exitOverride()
    .configureOutput({ writeErr: io.stderr, writeOut: io.stdout });
  for (const entry of commands) {
    if (entry.name !== args[0]) continue;
    const { configure } = (await entry.load()) as { configure(command: Command, given: typeof io): void };
    configure(program.command(entry.name), io);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const { message, exitCode, code } = error as { message: string; exitCode?: number; code?: string };
    if (exitCode === undefined) throw error;
    // Commander has printed its own errors, and their exit code is always 1: the program makes that 2.
    if (code === undefined) result.stderr += `${message}\n`;
    result.code = code === undefined ? exitCode : Math.min(2, exitCode * 2);
  }
  return result;
}

/** The same where it has to succeed and say nothing on standard error; what it printed. */
export async function runWell(cwd: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runCommand(cwd, args);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout;
}
