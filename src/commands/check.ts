import type { Command } from 'commander';
import { configHash, summarize } from '../config/index.ts';
import { exitCodes } from './command.ts';
import { loadForCommand } from './config-file.ts';
import { type CommandIo, processIo } from './io.ts';

/** `polymorph check CONFIG`: exit 0 if the config can be used, warnings or not; 2 if not. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .description('Validate a config file: every problem with its line and column, then what is configured.')
    .argument('<config>', 'the YAML file')
    .option('-q, --quiet', 'print problems only')
    .action((file: string, options: { quiet?: boolean }) => {
      const config = loadForCommand(file, io);
      if (!config) {
        io.setExitCode(exitCodes.usage);
        return;
      }
      if (options.quiet) return;
      io.stdout(`${file} is good (${configHash(config)}):\n`);
      for (const line of summarize(config)) io.stdout(`  ${line}\n`);
    });
}
