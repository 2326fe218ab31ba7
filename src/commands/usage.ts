import { type Command, InvalidArgumentError, Option } from 'commander';
import Papa from 'papaparse';
import type { OperationInput, OperationResult } from '../accounts/index.ts';
import { type CommandIo, processIo } from './io.ts';
import { type Column, columns, grouped, utc } from './store/columns.ts';
import { onStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

const groupings = ['method', 'day', 'hour', 'minute', 'key', 'network', 'status'] as const;
type Grouping = (typeof groupings)[number];
type Usage = OperationResult<'usage.query'>;
type Line = Usage['lines'][number];

interface UsageOptions extends StoreOptions {
  key?: string;
  user?: string;
  by?: Grouping[];
  from?: string;
  to?: string;
  format?: 'table' | 'json' | 'csv';
}

/** `polymorph usage`: exit 0 printed, 1 no such key or user, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description('What was called: calls that were answered, what limits refused, cost units, times.')
    .option('--key <key>', 'of this key, by name, prefix or id; none: of callers without a key')
    .option('--user <user>', 'of this user’s keys, deleted ones too')
    .option('--by <what>', `${groupings.join(', ')}; several with commas. Default: method`, groupingsArgument)
    .option(
      '--from <when>',
      '2026-11-01, 2026-11-01T12:00:00Z or how long ago (24h, 7d), UTC; default: this month',
    )
    .option('--to <when>', 'the same; default: now')
    .addOption(new Option('--format <format>', 'default: table').choices(['table', 'json', 'csv']))
    .addHelpText('after', help)
    .action(async (options: UsageOptions) => {
      const { key, user, by, from, to } = options;
      const input: OperationInput<'usage.query'> = { key, user, by, from, to };
      const done = await onStore(options, io, (operations) => operations.run('usage.query', input));
      if (done === undefined) return;
      const format = options.json === true ? 'json' : (options.format ?? 'table');
      io.stdout(formatted(done.value, format));
    });
}

const help = `
Examples:
  polymorph usage
  polymorph usage --user ada@example.com --by day,method --from 7d
  polymorph usage --key acme --by hour --from 24h --format csv
  polymorph usage --by status --from 2026-11-01 --to 2026-12-01 --json`;

function formatted(usage: Usage, format: 'table' | 'json' | 'csv'): string {
  if (format === 'json') return `${JSON.stringify(usage, null, 2)}\n`;
  return format === 'csv' ? csv(usage) : table(usage);
}

function groupingsArgument(text: string): Grouping[] {
  const names = text === '' ? [] : text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(groupings as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`Found ${unknown}, expected any of ${groupings.join(', ')}.`);
  return names as Grouping[];
}

function table({ from, to, by, lines, totals }: Usage): string {
  const time = by.find((name) => name === 'day' || name === 'hour' || name === 'minute');
  const heads: Column[] = [
    { title: time === undefined ? '' : `${time} (UTC)` },
    { title: 'key' },
    { title: 'network' },
    { title: 'method' },
    { title: 'status' },
    ...[
      'calls',
      'refused',
      'events',
      'cost units',
      'errors',
      'p50 ms',
      'p99 ms',
      'bytes in',
      'bytes out',
    ].map((title) => ({ title, right: true })),
  ];
  const range = `${utc(from).slice(0, 16)} to ${utc(to).slice(0, 16)} UTC\n`;
  if (lines.length === 0) return `${range}\nNothing was called.\n`;
  const first = by.length === 0 ? 'all' : '';
  const rows = lines.map((line) => [
    line.at === undefined ? first : utc(line.at).slice(0, time === 'day' ? 10 : 16),
    line.key === undefined ? '' : named(line.key),
    line.network ?? '',
    line.method ?? '',
    line.status ?? '',
    ...numbers(line),
  ]);
  const names = rows.map((row) => row.slice(0, 5).findIndex((cell) => cell !== ''));
  const total = ['', '', '', '', '', ...numbers(totals)];
  total[Math.max(0, Math.min(...names))] = 'total';
  return `${range}\n${columns(heads, lines.length > 1 ? [...rows, total] : rows)}`;
}

function named({ name, prefix }: NonNullable<Line['key']>): string {
  return prefix === '' ? name : `${name} (${prefix})`;
}

function numbers(sums: Usage['totals']): string[] {
  const { calls, refused, events, cost, errors, p50Micros, p99Micros, bytesIn, bytesOut } = sums;
  return [
    grouped(calls),
    grouped(refused),
    events === 0 ? '' : grouped(events),
    grouped(cost),
    grouped(errors),
    milliseconds(p50Micros),
    milliseconds(p99Micros),
    grouped(bytesIn),
    grouped(bytesOut),
  ];
}

/** They are estimates within a factor of two: two digits say enough. */
function milliseconds(micros: number | null): string {
  return micros === null ? '' : String(Number((micros / 1000).toPrecision(2)));
}

function csv({ by, lines }: Usage): string {
  const time = by.some((name) => name === 'day' || name === 'hour' || name === 'minute');
  const names = (['key', 'network', 'method', 'status'] as const).filter((name) => by.includes(name));
  const rows = lines.map(({ at, key, network, method, status, ...sums }) => ({
    ...(time ? { at } : {}),
    ...(key === undefined ? {} : { key: key.name, prefix: key.prefix }),
    ...{ network, method, status, ...sums },
  }));
  const fields = [
    ...(time ? ['at'] : []),
    ...names.flatMap((name) => (name === 'key' ? ['key', 'prefix'] : [name])),
    ...['calls', 'refused', 'events', 'cost', 'errors', 'bytesIn', 'bytesOut', 'p50Micros', 'p99Micros'],
  ];
  // Callers choose methods' names: a spreadsheet shall not take one for a formula.
  return `${Papa.unparse({ fields, data: rows }, { newline: '\n', escapeFormulae: true })}\n`;
}
