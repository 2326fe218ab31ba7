import {
  createJournalReader,
  listSegments,
  openSegmentFile,
  type UsageRecord,
  usageStatuses,
} from '../../src/usage/index.ts';
import { type Counts, createCounts } from './counts.ts';
import type { StoreGateway } from './gateway.ts';

/** What everybody who had to do with the calls counted of them, each by itself. */
export interface Books {
  /** The client: calls that left, answers that came, refusals by the quota that came. */
  sent: Counts;
  received: Counts;
  refused: Counts;
  /** The journals and the ledger, without refusals. */
  journal: Counts;
  ledger: Counts;
  /** Refusals in them. */
  journalRefused: Counts;
  ledgerRefused: Counts;
  /** The node: calls that it was asked. */
  node: Counts;
}

/**
 * What is wrong, in words; nothing where answers received ≤ journal = ledger ≤ calls sent, the same of refusals, and the node was
 * asked for each call in the journal, and for no more beyond it than the calls that the client had no answer to: those that
 * were under way as the gateway was killed, the one cause of difference there may be.
 */
export function judge(books: Books): string[] {
  const wrong: string[] = [];
  const subjects = new Map(
    Object.values(books).flatMap((counts: Counts) =>
      counts.list().map((one) => [`${one.key} ${one.method}`, one]),
    ),
  );
  for (const { key, method } of subjects.values()) {
    const of = (name: keyof Books) => books[name].get(key, method);
    const check = (holds: boolean, what: string, ...names: (keyof Books)[]) => {
      if (!holds)
        wrong.push(`${key} ${method}: ${what} (${names.map((name) => `${name} ${of(name)}`).join(', ')})`);
    };
    check(of('received') <= of('journal'), 'an answer is in no journal', 'received', 'journal');
    check(of('journal') === of('ledger'), 'journal and ledger differ', 'journal', 'ledger');
    check(
      of('ledger') + of('ledgerRefused') <= of('sent'),
      'more than was sent',
      'ledger',
      'ledgerRefused',
      'sent',
    );
    check(of('refused') <= of('journalRefused'), 'a refusal is in no journal', 'refused', 'journalRefused');
    check(
      of('journalRefused') === of('ledgerRefused'),
      'refusals in journal and ledger differ',
      'journalRefused',
      'ledgerRefused',
    );
    check(of('journal') <= of('node'), 'the node was not asked', 'journal', 'node');
    const unanswered = of('sent') - of('received') - of('refused');
    check(
      of('node') - of('received') <= unanswered,
      'the node was asked too often',
      'node',
      'received',
      'sent',
    );
  }
  return wrong;
}

/** Sums of all segments in a folder of journals; keys by the name that `names` has for their id. */
export function countJournals(
  folder: string,
  names: ReadonlyMap<string, string>,
): Pick<Books, 'journal' | 'journalRefused'> {
  const [journal, journalRefused] = [createCounts(), createCounts()];
  for (const { keyId, method, status, calls } of journalRecords(folder))
    (usageStatuses[status] === 'exceeded' ? journalRefused : journal).add(
      names.get(keyId) ?? keyId,
      method,
      calls,
    );
  return { journal, journalRefused };
}

/** All that stands in a folder of journals. */
export function* journalRecords(folder: string): Generator<UsageRecord> {
  for (const { path, id } of listSegments(folder)) {
    const file = openSegmentFile(path);
    const reader = createJournalReader(file);
    if ('fault' in reader) {
      file.close();
      // It was just being opened as the kill came.
      if (reader.fault === 'no header') continue;
      throw new Error(`${id}: ${reader.fault}`);
    }
    for (let frame = reader.next(); frame !== null; frame = reader.next()) yield* frame.records;
    file.close();
  }
}

/** The same of the ledger, as the gateway says. */
export async function countLedger({
  operate,
}: StoreGateway): Promise<Pick<Books, 'ledger' | 'ledgerRefused'>> {
  const [ledger, ledgerRefused] = [createCounts(), createCounts()];
  const { lines } = await operate('usage.query', { by: ['key', 'method', 'status'] });
  for (const { key, method, status, calls, refused } of lines as LedgerLine[])
    if (status === 'exceeded') ledgerRefused.add(key.name, method, refused);
    else ledger.add(key.name, method, calls);
  return { ledger, ledgerRefused };
}

interface LedgerLine {
  key: { name: string };
  method: string;
  status: string;
  calls: number;
  refused: number;
}
