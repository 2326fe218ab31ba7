import type { Command } from 'commander';
import type { OperationResult } from '../accounts/index.ts';
import type { Operations } from '../control/index.ts';
import { CommandFailure } from './command.ts';
import { type CommandIo, processIo } from './io.ts';
import { columns, utc } from './store/columns.ts';
import { onStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface MigrateOptions extends StoreOptions {
  status?: boolean;
  dryRun?: boolean;
}

type Status = OperationResult<'schema.status'>;

/** `polymorph migrate`: exit 0 the schema is up to date, or was shown; 1 a newer program has migrated it, or the store is away. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description('Bring the store’s schema up to date. A start does so too; two at once may.')
    .option('--status', 'only say what was applied and what is pending')
    .option('--dry-run', 'only say what would be done')
    .addHelpText('after', help)
    .action(async (options: MigrateOptions) => {
      const done = await onStore(options, io, (operations) => migrate(operations, options), {
        asItIs: true,
      });
      if (done === undefined) return;
      const { value } = done;
      io.stdout(options.json === true ? `${JSON.stringify(value, null, 2)}\n` : text(value, options));
    });
}

const help = `
Examples:
  polymorph migrate --status
  polymorph migrate --dry-run
  polymorph migrate --config polymorph.yaml`;

async function migrate(
  operations: Operations,
  { status, dryRun }: MigrateOptions,
): Promise<Status & { done: Status['pending'] }> {
  const before = await operations.run('schema.status', {});
  if (before.newer && status !== true)
    throw new CommandFailure(
      'A newer polymorph has migrated this schema: run that one, or restore a back-up from before.',
    );
  if (status === true || dryRun === true) return { ...before, done: [] };
  const { done } = await operations.run('schema.migrate', {});
  return { ...(await operations.run('schema.status', {})), done };
}

function text(
  { applied, pending, newer, done }: Awaited<ReturnType<typeof migrate>>,
  options: MigrateOptions,
): string {
  const names = (list: Status['pending']) =>
    list.map(({ version, name }) => `  ${version}  ${name}\n`).join('');
  if (options.status === true) {
    const heads = [{ title: 'version', right: true }, { title: 'name' }, { title: 'applied (UTC)' }];
    const rows = [
      ...applied.map(({ version, name, appliedAt }) => [String(version), name, utc(appliedAt)]),
      ...pending.map(({ version, name }) => [String(version), name, 'pending']),
    ];
    return (
      columns(heads, rows) +
      (newer ? '\nA newer polymorph has migrated it: this one refuses to start with it.\n' : '')
    );
  }
  if (options.dryRun === true)
    return pending.length === 0 ? 'Nothing to do.\n' : `Would run:\n${names(pending)}`;
  return done.length === 0 ? 'The schema is up to date.\n' : `Ran:\n${names(done)}`;
}
