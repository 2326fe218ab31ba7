import { writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { type Command, Option } from 'commander';
import { invoiceCsv, invoicePdf, type InvoiceView } from '../accounts/index.ts';
import type { Operations } from '../control/index.ts';
import { CommandFailure, exitCodes } from './command.ts';
import { type CommandIo, processIo } from './io.ts';
import { repeated } from './repeated.ts';
import { invoiceText } from './invoice/invoice-text.ts';
import { onStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

const formats = ['table', 'json', 'csv', 'pdf'] as const;

interface InvoiceOptions extends StoreOptions {
  user?: string;
  month?: string;
  number?: string;
  seller?: string[];
  draft?: boolean;
  despiteDamage?: boolean;
  format?: (typeof formats)[number];
  out?: string;
}

/** `polymorph invoice`: exit 0 issued or printed, 1 refused (a month that is not over), 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  withStoreOptions(command)
    .description(
      'Issue the invoice of a user’s month, or print one that was issued. Once issued it never changes.',
    )
    .option('--user <user>', 'e-mail or id')
    .option('--month <month>', 'such as 2026-11, in UTC')
    .option('--number <number>', 'in place of both: one that was issued')
    .option('--draft', 'only say what it would be, also of a month that is not over')
    .option(
      '--despite-damage',
      'also where a usage journal cannot be read, in which calls of that month may be',
    )
    .option('--seller <line>', 'who sells; may be repeated, for the lines of an address', repeated)
    .addOption(new Option('--format <format>', 'default: table').choices(formats))
    .option('--out <file>', 'write it there; a pdf goes to invoice-<number>.pdf where this is not given')
    .addHelpText('after', help)
    .action(async (options: InvoiceOptions) => {
      const format = options.json === true ? 'json' : (options.format ?? 'table');
      const ask = question(options);
      const done = await onStore(options, io, ask);
      if (done === undefined) return;
      const { value: invoice } = done;
      const content = await rendered(invoice, format);
      const {
        out = format === 'pdf' ? `invoice-${invoice.number ?? `draft-${invoice.month}`}.pdf` : undefined,
      } = options;
      if (out === undefined) io.stdout(String(content));
      else await save(out, content, io);
    });
}

/** What to ask of the store. Throws CommandFailure where too little or too much is given. */
function question({ user, month, number, seller, draft, despiteDamage }: InvoiceOptions) {
  if (number !== undefined) {
    if (
      user !== undefined ||
      month !== undefined ||
      draft === true ||
      despiteDamage === true ||
      seller !== undefined
    )
      throw new CommandFailure(
        '--number names an invoice that was issued: give it without --user, --month, --draft, --despite-damage and --seller.',
        exitCodes.usage,
      );
    return (operations: Operations) => operations.run('invoices.show', { number });
  }
  if (user === undefined || month === undefined)
    throw new CommandFailure('Whose invoice? Give --user and --month, or --number.', exitCodes.usage);
  const input = { user, month, seller: seller?.join('\n'), draft, despiteDamage };
  return (operations: Operations) => operations.run('invoices.issue', input);
}

async function rendered(
  invoice: InvoiceView,
  format: (typeof formats)[number],
): Promise<string | Uint8Array> {
  if (format === 'pdf') return invoicePdf(invoice);
  if (format === 'csv') return invoiceCsv(invoice);
  return format === 'json' ? `${JSON.stringify(invoice, null, 2)}\n` : invoiceText(invoice);
}

async function save(file: string, content: string | Uint8Array, io: CommandIo): Promise<void> {
  const path = isAbsolute(file) ? file : join(io.cwd, file);
  await writeFile(path, content).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`Cannot write ${file}: ${reason}.`);
  });
  io.stdout(`Wrote ${file}\n`);
}

const help = `
Examples:
  polymorph invoice --user ada@example.com --month 2026-11 --draft
  polymorph invoice --user ada@example.com --month 2026-11 --seller 'Nodes Ltd' --seller '1 Chain Street' --format pdf
  polymorph invoice --number 2026-000001 --format csv --out invoice.csv`;
