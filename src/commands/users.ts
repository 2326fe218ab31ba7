import type { Command } from 'commander';
import type { OperationResult } from '../accounts/index.ts';
import { type CommandIo, processIo } from './io.ts';
import { columns, facts, utc } from './store/columns.ts';
import { keysTable } from './store/keys-table.ts';
import { pageOptions, pageEnd, type PageOptions } from './store/page.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

/** `polymorph users create|list|show|update|delete`: exit 0 done, 1 not found or refused, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  withStoreOptions(command.command('create <email>'))
    .description('Make a user.')
    .option('--name <name>', 'default: what stands before the @')
    .option('--tier <plan>', 'the plan they are on; default: free')
    .action(async (email: string, options: StoreOptions & { name?: string; tier?: string }) => {
      const { name, tier } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.create', { email, name, tier }),
        text: (user) => `Made user ${user.email} (${user.id}), on plan ${user.tier}.\n`,
      });
    });
  pageOptions(withStoreOptions(command.command('list')), 'e-mail')
    .description('List users, by e-mail.')
    .action(async (options: StoreOptions & PageOptions) => {
      const { after, limit } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.list', { after, limit }),
        text: ({ users, next }) => usersTable(users) + pageEnd(next),
      });
    });
  withStoreOptions(command.command('show <user>'))
    .description('Show a user, by e-mail or id, with plan and keys.')
    .action(async (user: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.show', { user }),
        text: userText,
      });
    });
  withStoreOptions(command.command('update <user>'))
    .description('Change a user. Another plan holds for their keys within a second.')
    .option('--email <email>', 'a new e-mail')
    .option('--name <name>', 'a new name')
    .option('--tier <plan>', 'another plan')
    .action(
      async (user: string, options: StoreOptions & { email?: string; name?: string; tier?: string }) => {
        const { email, name, tier } = options;
        await runOnStore(options, io, {
          run: (operations) => operations.run('users.update', { user, email, name, tier }),
          text: (after) => `Changed user ${after.email}: ${after.name}, on plan ${after.tier}.\n`,
        });
      },
    );
  withStoreOptions(command.command('delete <user>'))
    .description('Delete a user and their keys. Usage and invoices stay.')
    .action(async (user: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.delete', { user }),
        text: ({ email, keysDeleted }) =>
          `Deleted user ${email} and ${keysDeleted} ${keysDeleted === 1 ? 'key' : 'keys'}.\n`,
      });
    });
}

const help = `
Examples:
  polymorph users create ada@example.com --name "Ada Lovelace" --tier pro
  polymorph users list
  polymorph users update ada@example.com --tier free
  polymorph users delete ada@example.com`;

function usersTable(users: OperationResult<'users.list'>['users']): string {
  if (users.length === 0) return 'There are no users.\n';
  const rows = users.map(({ email, name, tier, createdAt, id }) => [email, name, tier, utc(createdAt), id]);
  return columns(
    ['e-mail', 'name', 'plan', 'created (UTC)', 'id'].map((title) => ({ title })),
    rows,
  );
}

function userText(user: OperationResult<'users.show'>): string {
  const { id, email, name, tier, plan, createdAt, deletedAt, keys } = user;
  const about = facts([
    ['user', email],
    ['name', name],
    ['plan', plan === null ? `${tier} (no such plan is defined: nothing is limited or charged by it)` : tier],
    ['created', `${utc(createdAt)} UTC`],
    ['deleted', deletedAt === null ? null : `${utc(deletedAt)} UTC`],
    ['id', id],
  ]);
  return keys.length === 0 ? about : `${about}\n${keysTable(keys)}`;
}
