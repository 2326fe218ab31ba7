import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Store, UsageFilter } from '../../store/index.ts';
import { nameInTables } from '../../store/index.ts';
import type { AccountsContext } from '../context.ts';
import { AccountsError } from '../error.ts';
import { keyRef, pastTime } from '../input/fields.ts';
import { isoTime, pastTimeOf } from '../input/time.ts';
import { findUsageKey } from '../usage/find-usage-key.ts';
import { keptRange } from '../usage/kept.ts';
import { verb } from '../verb.ts';
import { compareLedger } from './compare-ledger.ts';
import type { OutsideCount } from './compare-outside.ts';
import { createFindings } from './findings.ts';
import { journalFolders } from './journal-folders.ts';
import type { JournalSource } from './journal-source.ts';

const counts = z
  .array(z.strictObject({ key: keyRef, method: z.string().min(1).max(256), calls: z.int().min(0) }))
  .max(100_000)
  .nullable()
  .default(null);

const input = z.strictObject({
  /** Default: as far back as journals are all there (`usage.keep_journal`). */
  from: pastTime.optional(),
  /** Default: this minute's beginning; with counts from outside, now. */
  to: pastTime.optional(),
  /** Answers that clients received, and calls that they sent, by key (`none`: without one) and method. */
  received: counts,
  sent: counts,
  /** Further folders of journals, by absolute path: of other instances that share the database. */
  journals: z
    .array(z.string().max(4096).refine(isAbsolute, { error: 'expected the absolute path of a folder' }))
    .max(1000)
    .default([]),
});

/**
 * Compares answers received ≤ journals = ledger ≤ calls sent in [from, to), whole minutes, by key, network, method and status.
 * A bound whose minutes the ledger has dropped is moved inwards to the whole hour, and to the day where the hours are. `ok`: all of it holds. What waits in the journals for the ledger is counted and no difference.
 * Of the differences the first thousand of each kind are given.
 */
export const reconcile = verb(input, async (context, { from, to, journals: further, ...outside }) => {
  const { store } = context;
  const journals = sourceOf(context, further);
  if (journals === null)
    throw new AccountsError('refused', 'The folder of the usage journals is not known here');
  const range = rangeOf(context, journals, {
    from,
    to,
    outside: (outside.received ?? outside.sent) !== null,
  });
  const [received, sent] = [await withIds(store, outside.received), await withIds(store, outside.sent)];
  const { found, add } = createFindings({ received, sent });
  const { segments, frames, tornBytes, unreadable } = await compareLedger(store, journals, range, add);
  const { differences, outsideDifferences, differenceCount, outsideDifferenceCount } = found;
  const names = await keyNames(store, [...differences, ...outsideDifferences]);
  return {
    ok: differenceCount === 0 && outsideDifferenceCount === 0 && unreadable.length === 0,
    from: isoTime(range.from),
    to: isoTime(range.to),
    received: received === null ? null : sumCalls(received),
    journal: found.journal,
    pending: found.pending,
    ledger: found.ledger,
    sent: sent === null ? null : sumCalls(sent),
    ...{ segments, frames, tornBytes, unreadable, differenceCount, outsideDifferenceCount },
    differences: differences.map((one) => ({ ...one, key: names.get(one.keyId) ?? one.keyId })),
    outsideDifferences: outsideDifferences.map((one) => ({ ...one, key: names.get(one.keyId) ?? one.keyId })),
  };
});

/** What {@link reconcile} gives. */
export type ReconcileResult = Awaited<ReturnType<typeof reconcile>>;

function sourceOf({ journals }: AccountsContext, further: readonly string[]): JournalSource | null {
  if (journals === null) return further.length === 0 ? null : journalFolders(further, Infinity);
  return journalFolders([...new Set([journals.folder, ...further])], journals.keepMs);
}

type Range = Required<Pick<UsageFilter, 'from' | 'to'>>;

function rangeOf(
  { now, retention }: AccountsContext,
  { keepMs }: JournalSource,
  given: { from?: string; to?: string; outside: boolean },
): Range {
  const at = now();
  const first = given.from === undefined ? Math.max(0, at - keepMs) : pastTimeOf(given.from, at);
  const from = wholeMinuteFrom(first);
  const to =
    given.to === undefined ? lastMinute(at, given.outside) : wholeMinuteFrom(pastTimeOf(given.to, at));
  if (from >= to) throw new AccountsError('invalid', `from ${isoTime(from)} is not before to ${isoTime(to)}`);
  // Not wider: journals from before may be gone.
  return keptRange({ from, to }, { retention: retention(), now: at, unit: 'day', bound: 'narrow' });
}

/** What is counted elsewhere goes to this very moment; else a minute that is not over would only be a moving target. */
function lastMinute(at: number, whole: boolean): number {
  return (Math.floor(at / 60_000) + (whole ? 1 : 0)) * 60_000;
}

function wholeMinuteFrom(at: number): number {
  return Math.ceil(at / 60_000) * 60_000;
}

async function withIds(store: Store, given: z.output<typeof counts>): Promise<OutsideCount[] | null> {
  if (given === null) return null;
  const ids = new Map<string, string>();
  for (const { key } of given) if (!ids.has(key)) ids.set(key, await findUsageKey(store, key));
  return given.map(({ key, method, calls }) => ({
    keyId: ids.get(key) ?? key,
    method: nameInTables(method),
    calls,
  }));
}

async function keyNames(store: Store, of: readonly { keyId: string }[]): Promise<Map<string, string>> {
  const found = await store.keys.names([...new Set(of.map(({ keyId }) => keyId))]);
  return new Map([...found].map(([id, { name, prefix }]) => [id, `${name} (${prefix})`]));
}

function sumCalls(given: readonly OutsideCount[]): number {
  return given.reduce((sum, { calls }) => sum + calls, 0);
}
