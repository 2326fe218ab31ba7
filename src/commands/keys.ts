import { type Command, Option } from 'commander';
import type { OperationResult } from '../accounts/index.ts';
import { type CommandIo, processIo } from './io.ts';
import { repeated } from './repeated.ts';
import { keyFacts, keysTable } from './store/keys-table.ts';
import { limitsText } from './store/limits-text.ts';
import { type Limit, limitArgument } from './store/limit-text.ts';
import { pageEnd, pageOptions, type PageOptions } from './store/page.ts';
import { type QuotaArgument, quotaArgument } from './store/quota-text.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface CreateOptions extends StoreOptions {
  user: string;
  name?: string;
  expires?: string;
  set?: Limit[];
  quota?: QuotaArgument;
}

interface LimitsOptions extends StoreOptions {
  set?: Limit[];
  unset?: string[];
  quota?: QuotaArgument;
}

type Grace = 'none' | '1h' | '24h' | '7d';

/** `polymorph keys …`: exit 0 done, 1 not found or refused, 2 bad usage. A new key is printed on standard output, once. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  withStoreOptions(command.command('create'))
    .description('Make a key. It is printed once and can never be shown again.')
    .requiredOption('--user <user>', 'whose it is: e-mail or id')
    .option('--name <name>', 'what to call it; default: key- and its first characters')
    .option('--expires <when>', '2027-01-31, 2027-01-31T12:00:00Z, or in how long: 90d')
    .option('--set <limit>', 'a limit of its own, such as eth_call=100/1s+50; may be repeated', limitArgument)
    .option('--quota <quota>', 'a quota of its own, such as 1000000/month', quotaArgument)
    .action(async ({ set, quota, ...options }: CreateOptions) => {
      const { user, name, expires } = options;
      await runOnStore(options, io, {
        run: (operations) =>
          operations.run('keys.create', { user, name, expires, overrides: set, quota: quota?.quota }),
        text: (made) => secret(io, made.key, `Key ${made.name} of ${made.user?.email ?? ''} is`),
      });
    });
  pageOptions(withStoreOptions(command.command('list')), 'id')
    .description('List keys, by name.')
    .option('--user <user>', 'only those of this user')
    .addOption(
      new Option('--source <source>', 'only those made here, or of the config').choices(['store', 'config']),
    )
    .action(async (options: StoreOptions & PageOptions & { user?: string; source?: 'store' | 'config' }) => {
      const { user, source, after, limit } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('keys.list', { user, source, after, limit }),
        text: ({ keys, next }) => keysTable(keys) + pageEnd(next),
      });
    });
  withStoreOptions(command.command('rotate <key>'))
    .description('Put a new key in place of an old one; limits, quota and usage go on.')
    .addOption(
      new Option('--grace <time>', 'how long the old key works on')
        .choices(['none', '1h', '24h', '7d'])
        .default('24h'),
    )
    .action(async (key: string, { grace, ...options }: StoreOptions & { grace: Grace }) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('keys.rotate', { key, grace }),
        text: (made) => {
          const until = made.previousUntil?.slice(0, 16).replace('T', ' ');
          const old =
            until === undefined
              ? 'The old one is refused from now on.'
              : `The old one works until ${until} UTC.`;
          return secret(io, made.key, `${old} The new key ${made.name} is`);
        },
      });
    });
  const verbs = [
    ['show', 'Show a key, by name, prefix or id.'],
    ['disable', 'Refuse a key (401) until it is enabled again.'],
    ['delete', 'Delete a key for good. Its usage stays.'],
  ] as const;
  for (const [verb, about] of verbs)
    withStoreOptions(command.command(`${verb} <key>`))
      .description(about)
      .action(async (key: string, options: StoreOptions) => {
        await runOnStore(options, io, {
          run: (operations) => operations.run(`keys.${verb}`, { key }),
          text: (after) => (verb === 'show' ? keyFacts(after) : stateText(after)),
        });
      });
  withStoreOptions(command.command('enable <key>'))
    .description('Take a disabled key again, or with --expires one that has expired.')
    .option(
      '--expires <when>',
      '2027-01-31, 2027-01-31T12:00:00Z, in how long (90d), or never; default: as it is',
    )
    .action(async (key: string, { expires, ...options }: StoreOptions & { expires?: string }) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('keys.enable', { key, expires }),
        text: stateText,
      });
    });
  withStoreOptions(command.command('limits <key>'))
    .description('Show a key’s limits and quota, or change them.')
    .option(
      '--set <limit>',
      'set one, such as eth_call=100/1s+50, group:read=20/1s or *=1000/1m; may be repeated',
      limitArgument,
    )
    .option(
      '--unset <method>',
      'remove the limit for this method, group:<name> or *; may be repeated',
      repeated,
    )
    .option(
      '--quota <quota>',
      'such as 1000000/month or cost:50000/day; none: that of the plan',
      quotaArgument,
    )
    .action(async (key: string, { set, unset, quota, ...options }: LimitsOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('keys.limits', { key, set, unset, quota: quota?.quota }),
        text: limitsText,
      });
    });
}

const help = `
Examples:
  polymorph keys create --user ada@example.com --name acme
  polymorph keys create --user ada@example.com --name trial --expires 14d --quota 10000/day
  polymorph keys rotate acme --grace 24h
  polymorph keys limits acme --set 'eth_call=100/1s+50' --set 'group:logs=2/1s'
  polymorph keys list --user ada@example.com --json`;

function stateText({ name, prefix, state }: OperationResult<'keys.show'>): string {
  return `Key ${name} (${prefix}) is ${state}.\n`;
}

/** The key alone on standard output, so that a script can keep it; what is said of it goes beside. */
function secret(io: CommandIo, key: string, about: string): string {
  io.stderr(`${about} shown only this once:\n`);
  return `${key}\n`;
}
