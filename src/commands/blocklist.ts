import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/index.ts';
import type { BanView, BlocklistResults } from '../control/index.ts';
import { blocklistOf } from './blocklist/blocklist-of.ts';
import { type CommandIo, processIo } from './io.ts';
import { columns, facts, grouped, utc } from './store/columns.ts';
import { type PageOptions, pageEnd, pageOptions } from './store/page.ts';
import { type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface AddOptions extends StoreOptions {
  for?: number;
  reason?: string;
  force?: boolean;
}

/** `polymorph blocklist list|add|remove|allow|disallow|test`: exit 0 done, 1 not found or refused, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  pageOptions(withStoreOptions(command.command('list')), 'address')
    .description('List the bans that stand, and who is allowed by hand.')
    .action(async ({ after, limit, ...options }: StoreOptions & PageOptions) => {
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.list', { after, limit }),
        text: listText,
      });
    });
  withStoreOptions(command.command('add <address>'))
    .description('Ban an address or network, such as 203.0.113.9 or 2001:db8::/32. It holds at once.')
    .option('--for <duration>', 'such as 30m, 12h or 7d; default: until it is removed', banDuration)
    .option('--reason <text>', 'for those who read the list')
    .option('--force', 'also where it holds your own address, loopback, a trusted proxy or everybody')
    .action(async (address: string, { for: forMs, reason, force, ...options }: AddOptions) => {
      const about = { reason, force, by: whoAsks(), from: sshClient(io) };
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.add', { address, forMs, ...about }),
        text: (ban) => `Banned ${ban.address} ${untilText(ban, 'it is removed')}.\n${notes(ban)}`,
      });
    });
  withStoreOptions(command.command('remove <address>'))
    .description('Lift the ban of an address or network, as it is listed.')
    .action(async (address: string, options: StoreOptions) => {
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.remove', { address, by: whoAsks() }),
        text: (ban) => `Lifted the ban of ${ban.address}.\n${notes(ban)}`,
      });
    });
  withStoreOptions(command.command('allow <address>'))
    .description('Let an address or network in whatever list or ban refuses it. It holds at once.')
    .option('--for <duration>', 'such as 30m, 12h or 7d; default: until it is disallowed', banDuration)
    .option('--reason <text>', 'for those who read the list')
    .action(async (address: string, { for: forMs, reason, ...options }: AddOptions) => {
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.allow', { address, forMs, reason, by: whoAsks() }),
        text: (allowed) =>
          `Allowed ${allowed.address} ${untilText(allowed, 'it is disallowed')}.\n${notes(allowed)}`,
      });
    });
  withStoreOptions(command.command('disallow <address>'))
    .description('No longer let in an address or network that was allowed by hand.')
    .action(async (address: string, options: StoreOptions) => {
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.disallow', { address, by: whoAsks() }),
        text: (allowed) => `${allowed.address} is no longer allowed.\n${notes(allowed)}`,
      });
    });
  withStoreOptions(command.command('test <address>'))
    .description('Say whether an address would be refused, and by which entry.')
    .action(async (address: string, options: StoreOptions) => {
      await blocklistOf(options, io, {
        run: (blocklist) => blocklist.run('blocklist.test', { address }),
        text: testText,
      });
    });
}

const help = `
Examples:
  polymorph blocklist add 203.0.113.9 --for 1h --reason 'scans for keys'
  polymorph blocklist add 2001:db8:bad::/48
  polymorph blocklist list
  polymorph blocklist test 203.0.113.9
  polymorph blocklist remove 203.0.113.9
  polymorph blocklist allow 198.51.100.20 --for 1d --reason 'their office'
  polymorph blocklist disallow 198.51.100.20`;

function banDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1000 || ms > 315_576_000_000)
    throw new InvalidArgumentError('Expected a duration from 1s to 3652d, such as 30m, 12h or 7d.');
  return ms;
}

function untilText({ until }: { until: string | null }, otherwise: string): string {
  return until === null ? `until ${otherwise}` : `until ${utc(until)} UTC`;
}

function whoAsks(): string {
  try {
    return userInfo().username.slice(0, 200) || 'operator';
  } catch {
    // A process may have a number and no name.
    return 'operator';
  }
}

/** From where the person at this terminal came. */
function sshClient({ env }: CommandIo): string[] {
  const [address = ''] = (env['SSH_CONNECTION'] ?? '').split(' ');
  return address === '' ? [] : [address.slice(0, 100)];
}

function notes({ kept, note }: { kept: boolean; note: string | null }): string {
  const memory = kept ? '' : 'It is in the gateway’s memory only, not in a store: a restart forgets it.\n';
  return `${memory}${note === null ? '' : `Note: ${note}.\n`}`;
}

const heads = [
  { title: 'address' },
  { title: 'since (UTC)' },
  { title: 'until (UTC)' },
  { title: 'by' },
  { title: 'times', right: true },
  { title: 'reason' },
];

const allowedHeads = [{ title: 'allowed' }, ...heads.slice(1, 4), { title: 'reason' }];

function listText(list: BlocklistResults['blocklist.list']): string {
  const { mode, bans, total, next, allowed, deny, allow } = list;
  const simulated = mode === 'simulate' ? 'The blocklist only simulates: nobody is refused.\n' : '';
  const count = (amount: number, one: string, many: string): string =>
    `${grouped(amount)} ${amount === 1 ? one : many}`;
  const config = `the config denies ${count(deny, 'entry', 'entries')} and allows ${grouped(allow)}`;
  const end = `${count(total, 'ban', 'bans')}; ${config}.\n`;
  const rows = bans.map((ban) => [
    ban.address,
    utc(ban.at),
    ban.until === null ? 'removed' : utc(ban.until),
    ban.by,
    grouped(ban.times),
    ban.simulated ? `${ban.reason} (simulated)` : ban.reason,
  ]);
  const allowedRows = allowed.map(({ address, at, until, by, reason }) => [
    ...[address, utc(at)],
    ...[until === null ? 'disallowed' : utc(until), by, reason],
  ]);
  const table = rows.length === 0 ? '' : `${columns(heads, rows)}\n`;
  const allowedTable =
    allowedRows.length === 0
      ? ''
      : `${columns(allowedHeads, allowedRows)}\n${allowed.length} allowed by hand.\n\n`;
  return `${simulated}${allowedTable}${table}${end}${pageEnd(next)}`;
}

function testText({ address, mode, refused, by }: BlocklistResults['blocklist.test']): string {
  if (by === null) return `${address} is let in: nothing on the blocklist names it.\n`;
  if (by.list === 'allow') return `${address} is let in: ${by.entry} is allowed in ${by.source}.\n`;
  if (by.list === 'allowed')
    return `${address} is let in: ${by.address} is allowed by hand ${untilText(by, 'it is disallowed')}.\n`;
  const would = refused ? 'is refused' : `would be refused (mode is ${mode})`;
  if (by.list === 'deny') return `${address} ${would}: ${by.entry} is denied in ${by.source}.\n`;
  return `${address} ${would}: ${by.address} is banned.\n\n${banFacts(by)}`;
}

function banFacts(ban: BanView): string {
  return facts([
    ['ban', ban.address],
    ['since', `${utc(ban.at)} UTC`],
    ['until', ban.until === null ? 'it is removed' : `${utc(ban.until)} UTC`],
    ['by', ban.by],
    ['times', grouped(ban.times)],
    ['reason', ban.reason],
  ]);
}
