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
import { compareOutside, compareTallies, type OutsideCount } from './compare.ts';
import { journalFolders } from './journal-folders.ts';
import type { JournalSource } from './journal-source.ts';
import { type JournalReading, readJournals } from './read-journals.ts';
import { countNames, type Counts, createTally, ofLine, type Tally } from './tally.ts';

/** How often it begins anew because the ledger moved on while the journals were read. */
const TRIES = 5;

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
  const { reading, ledger } = await readBoth(store, journals, range);
  const differences = compareTallies(reading.tally, reading.pending, ledger);
  const outsideDifferences = compareOutside(reading.tally, { received, sent });
  const { segments, frames, tornBytes, unreadable } = reading;
  const names = await keyNames(store, [...differences, ...outsideDifferences]);
  return {
    ok: differences.length === 0 && outsideDifferences.length === 0 && unreadable.length === 0,
    from: isoTime(range.from),
    to: isoTime(range.to),
    received: received === null ? null : sumCalls(received),
    journal: total(reading.tally),
    pending: total(reading.pending),
    ledger: total(ledger),
    sent: sent === null ? null : sumCalls(sent),
    ...{ segments, frames, tornBytes, unreadable },
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

/** Journals and ledger as they were at one moment: read anew where the ledger took something in meanwhile. */
async function readBoth(
  store: Store,
  journals: JournalSource,
  range: Range,
): Promise<{ reading: JournalReading; ledger: Tally }> {
  for (let tries = 1; ; tries += 1) {
    const ids = journals.ids();
    const offsets = await store.segments(ids);
    const reading = await readJournals(journals, range, offsets);
    const ledger = createTally();
    for (const line of await store.usage(range, ['key', 'network', 'method', 'status']))
      ledger.add(...ofLine(line));
    const after = await store.segments(ids);
    const moved = ids.some((id) => offsets.get(id)?.offset !== after.get(id)?.offset);
    if (!moved || compareTallies(reading.tally, reading.pending, ledger).length === 0)
      return { reading, ledger };
    if (tries >= TRIES)
      throw new AccountsError(
        'unavailable',
        'The ledger takes in usage of that time faster than it can be read: give an earlier --to',
      );
  }
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
  const names = new Map<string, string>();
  for (const { keyId } of of) {
    if (names.has(keyId)) continue;
    const key = await store.keys.get(keyId);
    names.set(keyId, key === null ? keyId : `${key.name} (${key.prefix})`);
  }
  return names;
}

function total(tally: Tally): Counts & { refused: number } {
  const sums = {
    calls: 0,
    events: 0,
    cost: 0,
    errors: 0,
    bytesIn: 0,
    bytesOut: 0,
    latencyMicros: 0,
    refused: 0,
  };
  for (const subject of tally.subjects()) {
    const counted = tally.get(subject);
    for (const count of countNames) {
      if (count === 'calls' && subject.status === 'exceeded') sums.refused += counted.calls;
      else sums[count] += counted[count];
    }
  }
  return sums;
}

function sumCalls(given: readonly OutsideCount[]): number {
  return given.reduce((sum, { calls }) => sum + calls, 0);
}
