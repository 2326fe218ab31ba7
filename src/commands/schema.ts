import type { Command } from 'commander';
import { editorSchema } from '../config/index.ts';
import { type CommandIo, processIo } from './io.ts';

/** `polymorph schema`: the JSON Schema of the config file on standard output. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .description('Print the JSON Schema of the config file, for editors.')
    .addHelpText(
      'after',
      '\nIn an editor with the YAML language server:\n  polymorph schema > polymorph.schema.json\n  and as the config’s first line:\n  # yaml-language-server: $schema=./polymorph.schema.json',
    )
    .action(() => io.stdout(`${JSON.stringify(editorSchema(), null, 2)}\n`));
}
