import type { KeyRow } from '../../rows.ts';
import type { Tables } from '../../store.ts';
import type { IssuedEntry } from './issued-log.ts';

/** What {@link notedTables} needs. */
export interface Noting {
  note(entry: IssuedEntry): void;
  /** Hashes of which it was noted before that they end. */
  ended: { has(sha256: string): boolean };
  now(): number;
}

/** The same tables, which note the numbers of invoices and the ends of keys. */
export function notedTables(tables: Tables, noting: Noting): Tables {
  const { keys, invoices } = tables;
  return {
    ...tables,
    keys: {
      ...keys,
      async update(id, change) {
        const before = await keys.get(id);
        await keys.update(id, change);
        const after = await keys.get(id);
        if (before !== null && after !== null) noteEnds(takenUntil(before), takenUntil(after), noting);
      },
    },
    invoices: {
      ...invoices,
      async issue(invoice) {
        const issued = await invoices.issue(invoice);
        noting.note({ invoice: issued.number, user: issued.userId, month: issued.month });
        return issued;
      },
    },
  };
}

type Taken = ReadonlyMap<string, number>;

/** By hash: until when callers are taken with it. */
function takenUntil(key: KeyRow): Taken {
  if (key.source !== 'store' || !key.enabled || key.deletedAt !== null) return new Map();
  const end = key.expiresAt ?? Number.POSITIVE_INFINITY;
  const taken = new Map([[key.sha256, end]]);
  if (key.previousSha256 !== null && key.previousUntil !== null)
    taken.set(key.previousSha256, Math.min(end, key.previousUntil));
  return taken;
}

function noteEnds(before: Taken, after: Taken, { note, ended, now }: Noting): void {
  for (const [key, end] of before) {
    const next = after.get(key);
    if (next === undefined) note({ key, until: now() });
    else if (next < end) note({ key, until: next });
  }
  for (const [key, end] of after)
    if (end > (before.get(key) ?? 0) && ended.has(key))
      note({ key, until: end === Number.POSITIVE_INFINITY ? null : end });
}
