import { type Applier, createApplier } from '../applier.ts';
import type { LedgerRow } from '../ledger.ts';
import type { UsageRecord } from '../record.ts';
import type { SegmentDamage } from '../segment-applier.ts';
import { keyA, newFolder, turnOf } from './journals.ts';
import { createReferenceLedger, type ReferenceLedger } from './reference-ledger.ts';

export const HOUR = 3_600_000;
/** Epoch milliseconds of what journals in tests hold. */
export const START = 1_700_000_000_000;

/** An applier of the run `run` on a ledger in memory. */
export interface Setup {
  folder: string;
  ledger: ReferenceLedger;
  applier: Applier;
  damage: SegmentDamage[];
}

export function setup(over: Partial<Parameters<typeof createApplier>[0]> = {}): Setup {
  const folder = over.folder ?? newFolder();
  const ledger = over.ledger === undefined ? createReferenceLedger() : (over.ledger as ReferenceLedger);
  const damage: SegmentDamage[] = [];
  const applier = createApplier({
    folder,
    run: 'run',
    ledger,
    settings: { raw: { mode: 'off', share: 0 }, keepJournalMs: HOUR },
    epochMs: () => START,
    onDamage: (each) => damage.push(each),
    ...over,
  });
  return { folder, ledger, applier, damage };
}

/** The records of a turn of one call. */
export const call = (method = 'eth_call', keyId = keyA): UsageRecord[] =>
  turnOf([(usage) => usage.add(keyId, 'mainnet', method, 0, 3, false, 100, 200, 1500)]);

export const callsIn = (rows: Iterable<LedgerRow>): number =>
  [...rows].reduce((sum, { calls }) => sum + calls, 0);
