import type { Entry } from './piece.ts';

/** Calls by key and method, as a client that counted its answers, or its calls, gives them. */
export interface OutsideCount {
  keyId: string;
  method: string;
  calls: number;
}

/** Where a count from outside and the journals cannot both be true. */
export interface OutsideDifference extends OutsideCount {
  against: 'received' | 'sent';
  journal: number;
  cause: string;
}

/** Answers received ≤ journal ≤ calls sent, by key and method over all networks; refusals count in none of them. */
export interface OutsideComparison {
  /** The journals' entries, by key in order. */
  take(entries: Iterable<Entry>): void;
  /** Of keys that are before this one, null for all, nothing more comes. */
  settle(before: string | null): Iterable<OutsideDifference>;
}

type ByMethod = Map<string, number>;

export function compareOutside({
  received,
  sent,
}: {
  received: readonly OutsideCount[] | null;
  sent: readonly OutsideCount[] | null;
}): OutsideComparison {
  const [receivedOf, sentOf] = [byKey(received ?? []), byKey(sent ?? [])];
  const counted = new Map<string, ByMethod>();

  function* settleKey(keyId: string): Iterable<OutsideDifference> {
    const journal: ByMethod = counted.get(keyId) ?? new Map();
    for (const [method, calls] of receivedOf.get(keyId) ?? []) {
      const inJournal = journal.get(method) ?? 0;
      const cause = 'answers were received that no journal counts';
      if (calls > inJournal) yield { keyId, method, calls, against: 'received', journal: inJournal, cause };
    }
    if (sent === null) return;
    const out = sentOf.get(keyId);
    for (const [method, inJournal] of journal) {
      const calls = out?.get(method) ?? 0;
      const cause = 'more is counted than was ever sent';
      if (inJournal > calls) yield { keyId, method, calls, against: 'sent', journal: inJournal, cause };
    }
  }

  return {
    take(entries) {
      if (received === null && sent === null) return;
      for (const { subject, journal } of entries)
        if (subject.status !== 'exceeded') add(counted, subject.keyId, subject.method, journal.calls);
    },
    *settle(before) {
      const keys = new Set([...counted.keys(), ...receivedOf.keys()]);
      for (const keyId of keys) {
        if (before !== null && keyId >= before) continue;
        yield* settleKey(keyId);
        counted.delete(keyId);
        receivedOf.delete(keyId);
      }
    },
  };
}

function byKey(counts: readonly OutsideCount[]): Map<string, ByMethod> {
  const sums = new Map<string, ByMethod>();
  for (const { keyId, method, calls } of counts) add(sums, keyId, method, calls);
  return sums;
}

function add(sums: Map<string, ByMethod>, keyId: string, method: string, calls: number): void {
  let methods = sums.get(keyId);
  if (methods === undefined) sums.set(keyId, (methods = new Map()));
  methods.set(method, (methods.get(method) ?? 0) + calls);
}
