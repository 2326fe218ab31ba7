import { nameInTables } from '../../store/index.ts';
import type { UsageLine } from '../../store/index.ts';
import { type UsageRecord, usageStatuses } from '../../usage/index.ts';

/** What is compared of usage that is alike. */
export interface Counts {
  calls: number;
  events: number;
  cost: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
  latencyMicros: number;
}

export const countNames = [
  'calls',
  'events',
  'cost',
  'errors',
  'bytesIn',
  'bytesOut',
  'latencyMicros',
] as const;

/** Of what something is counted. */
export interface Subject {
  keyId: string;
  network: string;
  method: string;
  status: string;
}

export const noCounts = (): Counts => ({
  ...{ calls: 0, events: 0, cost: 0, errors: 0, bytesIn: 0, bytesOut: 0, latencyMicros: 0 },
});

export function addCounts(to: Counts, more: Counts): void {
  for (const count of countNames) to[count] += more[count];
}

/** One text for each subject. */
export function subjectName({ keyId, network, method, status }: Subject): string {
  return JSON.stringify([keyId, network, method, status]);
}

/** The order of the ledger's lines: by key, network, method and status, by their bytes. Below 0: `a` is before `b`. */
export function compareSubjects(a: Subject, b: Subject): number {
  return (
    compareText(a.keyId, b.keyId) ||
    compareText(a.network, b.network) ||
    compareText(a.method, b.method) ||
    compareText(a.status, b.status)
  );
}

/** As UTF-8 sorts: a surrogate pair is beyond all that is no pair, which by code units it is not. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    const [pairOfA, pairOfB] = [isSurrogate(x), isSurrogate(y)];
    return pairOfA === pairOfB ? x - y : pairOfA ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000;
}

/** Of what a record of a journal is, its names as the ledger has them. */
export function subjectOfRecord({ keyId, network, method, status }: UsageRecord): Subject {
  return {
    keyId,
    network: nameInTables(network),
    method: nameInTables(method),
    status: usageStatuses[status] ?? String(status),
  };
}

export function countsOfRecord(record: UsageRecord): Counts {
  const { calls, event, cost, errors, bytesIn, bytesOut, latencyMicros } = record;
  const counted = event ? { calls: 0, events: calls } : { calls, events: 0 };
  return { ...counted, cost, errors, bytesIn, bytesOut, latencyMicros };
}

/** A line of the ledger that is told apart by all that a subject has. */
export function ofLine(line: UsageLine): [Subject, Counts] {
  const { keyId, network, method, status, calls, events, cost, errors, bytesIn, bytesOut, latencyMicros } =
    line;
  const subject = { keyId: keyId ?? '', network: network ?? '', method: method ?? '', status: status ?? '' };
  return [subject, { calls, events, cost, errors, bytesIn, bytesOut, latencyMicros }];
}
