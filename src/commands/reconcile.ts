import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { OperationInput, OperationResult } from '../accounts/index.ts';
import { CommandFailure, exitCodes } from './command.ts';
import { type CommandIo, processIo } from './io.ts';
import { repeated } from './repeated.ts';
import { columns, facts, grouped, utc } from './store/columns.ts';
import { onStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface ReconcileOptions extends StoreOptions {
  from?: string;
  to?: string;
  received?: string;
  sent?: string;
  journal?: string[];
}

type Result = OperationResult<'reconcile'>;

/** `polymorph reconcile`: exit 0 all adds up, 1 a difference, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description(
      'Compare journals and ledger, and counts from outside: answers received ≤ journal = ledger ≤ calls sent.',
    )
    .option('--from <when>', 'a date, a time or how long ago, UTC; default: as far back as journals are kept')
    .option('--to <when>', 'the same; default: the last whole minute')
    .option(
      '--received <file>',
      'JSON: answers that clients received, [{"key": "acme", "method": "eth_call", "calls": 3}]',
    )
    .option('--sent <file>', 'the same of calls that clients sent')
    .option(
      '--journal <folder>',
      'journals of another instance on the same database; may be repeated',
      repeated,
    )
    .addHelpText('after', help)
    .action(async (options: ReconcileOptions) => {
      const { from, to } = options;
      const input: OperationInput<'reconcile'> = {
        ...{
          from,
          to,
          received: counts('--received', options.received, io),
          sent: counts('--sent', options.sent, io),
        },
        journals: options.journal?.map((folder) => resolve(io.cwd, folder)),
      };
      const done = await onStore(options, io, (operations) => operations.run('reconcile', input));
      if (done === undefined) return;
      io.stdout(
        options.json === true ? `${JSON.stringify(done.value, null, 2)}\n` : reconcileText(done.value),
      );
      if (!done.value.ok) io.setExitCode(exitCodes.failure);
    });
}

const help = `
A difference has one of these causes, and is printed with it: the ledger was changed by hand or restored from a back-up, minutes are
past their retention, journals of another instance are not named, segments were deleted. What no caller had an answer for,
since a kill cut it short, is no difference: it is counted in bytes.

Examples:
  polymorph reconcile
  polymorph reconcile --from 2h --json
  polymorph reconcile --received received.json --sent sent.json`;

/** The store checks what is in it. */
function counts(
  flag: string,
  file: string | undefined,
  io: CommandIo,
): OperationInput<'reconcile'>['received'] {
  if (file === undefined) return null;
  try {
    return JSON.parse(readFileSync(resolve(io.cwd, file), 'utf8')) as OperationInput<'reconcile'>['received'];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`${flag}: cannot read ${file}: ${reason}.`, exitCodes.usage);
  }
}

function reconcileText(result: Result): string {
  const { from, to, journal, pending, ledger, received, sent } = result;
  const head = facts([
    ['from', `${utc(from)} UTC`],
    ['to', `${utc(to)} UTC`],
    ['journals', `${grouped(result.segments)} segments, ${grouped(result.frames)} frames of that time`],
    [
      'cut short',
      result.tornBytes === 0 ? null : `${grouped(result.tornBytes)} bytes, of which no answer had left`,
    ],
  ]);
  const number = (title: string) => ({ title, right: true });
  const sums = columns(
    [
      { title: '' },
      ...['calls', 'refused', 'events', 'cost units', 'errors', 'bytes in', 'bytes out'].map(number),
    ],
    [
      ...(received === null ? [] : [['answers received', grouped(received)]]),
      ...(['journal', 'pending', 'ledger'] as const).map((name) => {
        const side = { journal, pending, ledger }[name];
        const { calls, refused, events, cost, errors, bytesIn, bytesOut } = side;
        const title = name === 'pending' ? 'of it not applied yet' : name;
        return [title, ...[calls, refused, events, cost, errors, bytesIn, bytesOut].map(grouped)];
      }),
      ...(sent === null ? [] : [['calls sent', grouped(sent)]]),
    ],
  );
  return `${head}\n${sums}\n${verdict(result)}`;
}

function verdict(result: Result): string {
  const { ok, differences, outsideDifferences, unreadable, differenceCount, outsideDifferenceCount } = result;
  if (ok) return 'All adds up.\n';
  const number = (title: string) => ({ title, right: true });
  const rows = differences.map((one) => [
    one.key,
    one.network,
    one.method,
    one.status,
    one.count,
    ...[one.journal, one.pending, one.ledger].map(grouped),
    one.cause,
  ]);
  const heads = ['key', 'network', 'method', 'status', 'count'].map((title) => ({ title }));
  const inside = columns(
    [...heads, ...['journal', 'pending', 'ledger'].map(number), { title: 'cause' }],
    rows,
  );
  const outsideRows = outsideDifferences.map((one) => [
    one.key,
    one.method,
    one.against,
    grouped(one.calls),
    grouped(one.journal),
    one.cause,
  ]);
  const outside = columns(
    [
      { title: 'key' },
      { title: 'method' },
      { title: 'count' },
      number('calls'),
      number('journal'),
      { title: 'cause' },
    ],
    outsideRows,
  );
  return [
    ...(rows.length === 0
      ? []
      : [
          `${grouped(differenceCount)} ${differenceCount === 1 ? 'difference' : 'differences'}${firstOf(rows.length, differenceCount)}:\n`,
          inside,
        ]),
    ...(outsideRows.length === 0
      ? []
      : [
          `Against the counts from outside${firstOf(outsideRows.length, outsideDifferenceCount)}:\n`,
          outside,
        ]),
    ...unreadable.map(({ segment, reason }) => `Segment ${segment} cannot be read: ${reason}.\n`),
  ].join('\n');
}

function firstOf(told: number, all: number): string {
  return told < all ? `, the first ${grouped(told)} of ${grouped(all)}` : '';
}
