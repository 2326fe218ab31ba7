import type { Command } from 'commander';

/** Exit codes of `polymorph`: scripts and service managers may rely on them. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/**
 * A command that ends without success for a reason its user can act on. `main.ts` prints `message` on standard
 * error without a stack and exits with `exitCode`: 1 for a failure while running, 2 for a bad argument or config.
 */
export class CommandFailure extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = exitCodes.failure, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/**
 * What each file `src/commands/<name>.ts` exports: adds arguments, options and the action to its command. Called
 * only when the user names this command, so the file may import what it likes at its top.
 */
export interface CommandModule {
  configure(command: Command): void;
}

/** One line of `polymorph --help`, and where the command's own file is. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}
