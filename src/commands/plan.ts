import type { Command } from 'commander';
import { planChange } from '../config/index.ts';
import { exitCodes } from './command.ts';
import { loadForCommand } from './config-file.ts';
import { type CommandIo, processIo } from './io.ts';

/**
 * `polymorph plan OLD NEW`: exit 0 whether or not they differ, since a difference is no failure; with `--exit-code` 1 if
 * they do, as `git diff` has it; 2 if one of them cannot be used.
 */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .description(
      'Say what taking a new config over would change, which buckets are kept and what needs a restart.',
    )
    .argument('<old>', 'the config that holds')
    .argument('<new>', 'the config to come')
    .option('--exit-code', 'exit 1 if they differ')
    .option('--json', 'print JSON')
    .action((oldFile: string, newFile: string, options: { exitCode?: boolean; json?: boolean }) => {
      const [from, to] = [oldFile, newFile].map((file) => loadForCommand(file, io));
      if (!from || !to) {
        io.setExitCode(exitCodes.usage);
        return;
      }
      const plan = planChange(from, to);
      if (options.json) io.stdout(`${JSON.stringify(plan, null, 2)}\n`);
      else if (plan.changes.length === 0) io.stdout('Nothing changes.\n');
      else {
        io.stdout(`${plan.changes.join('\n')}\n`);
        if (plan.restartNeeded.length > 0) {
          io.stdout(`\nOnly after a restart:\n${plan.restartNeeded.map((one) => `  ${one}`).join('\n')}\n`);
        }
      }
      if (options.exitCode && plan.changes.length > 0) io.setExitCode(exitCodes.failure);
    });
}
