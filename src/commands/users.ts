import type { Command } from 'commander';
import type { OperationResult } from '../accounts/index.ts';
import { type CommandIo, processIo } from './io.ts';
import { columns, facts, utc } from './store/columns.ts';
import { keysTable } from './store/keys-table.ts';
import { type QuotaArgument, quotaArgument, quotaText } from './store/quota-text.ts';
import { pageOptions, pageEnd, type PageOptions } from './store/page.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface UserOptions extends StoreOptions {
  name?: string;
  tier?: string;
  quota?: QuotaArgument;
}

/** `polymorph users create|list|show|update|delete`: exit 0 done, 1 not found or refused, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  withStoreOptions(command.command('create <email>'))
    .description('Make a user.')
    .option('--name <name>', 'default: what stands before the @')
    .option('--tier <plan>', 'the plan they are on; default: free')
    .option(
      '--quota <quota>',
      'of all their keys together, such as 1000000/month or none; default: the plan’s',
      quotaArgument,
    )
    .action(async (email: string, options: UserOptions) => {
      const { name, tier, quota } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.create', { email, name, tier, quota: quota?.quota }),
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
    .description('Change a user. Another plan or quota holds for their keys within a second.')
    .option('--email <email>', 'a new e-mail')
    .option('--name <name>', 'a new name')
    .option('--tier <plan>', 'another plan')
    .option('--quota <quota>', 'of all their keys together; none: back to the plan’s', quotaArgument)
    .action(async (user: string, options: UserOptions & { email?: string }) => {
      const { email, name, tier, quota } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('users.update', { user, email, name, tier, quota: quota?.quota }),
        text: (after) => `Changed user ${after.email}: ${after.name}, on plan ${after.tier}.\n`,
      });
    });
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
  polymorph users update ada@example.com --tier free --quota 1000000/month
  polymorph users delete ada@example.com`;

function usersTable(users: OperationResult<'users.list'>['users']): string {
  if (users.length === 0) return 'There are no users.\n';
  const rows = users.map(({ email, name, tier, quota, createdAt, id }) => [
    ...[email, name, tier, quotaText(quota), utc(createdAt), id],
  ]);
  return columns(
    ['e-mail', 'name', 'plan', 'quota', 'created (UTC)', 'id'].map((title) => ({ title })),
    rows,
  );
}

/** Of all keys together. */
function userQuotaText(
  own: OperationResult<'users.show'>['quota'],
  plan: OperationResult<'users.show'>['plan'],
): string {
  const text = quotaText(own ?? plan?.userQuota ?? null);
  return own !== null || plan === null || text === '' ? text : `${text} (plan ${plan.name})`;
}

function userText(user: OperationResult<'users.show'>): string {
  const { id, email, name, tier, quota, plan, createdAt, deletedAt, keys } = user;
  const about = facts([
    ['user', email],
    ['name', name],
    ['plan', plan === null ? `${tier} (no such plan is defined: nothing is limited or charged by it)` : tier],
    ['quota', userQuotaText(quota, plan)],
    ['created', `${utc(createdAt)} UTC`],
    ['deleted', deletedAt === null ? null : `${utc(deletedAt)} UTC`],
    ['id', id],
  ]);
  return keys.length === 0 ? about : `${about}\n${keysTable(keys)}`;
}
