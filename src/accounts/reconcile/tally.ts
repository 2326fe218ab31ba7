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

/** Counts by key, network, method and status. */
export interface Tally {
  add(subject: Subject, counts: Counts): void;
  get(subject: Subject): Counts;
  subjects(): Iterable<Subject>;
}

const none: Counts = { calls: 0, events: 0, cost: 0, errors: 0, bytesIn: 0, bytesOut: 0, latencyMicros: 0 };

export function createTally(): Tally {
  const entries = new Map<string, { subject: Subject; counts: Counts }>();
  return {
    add(subject, more) {
      const name = subjectName(subject);
      let entry = entries.get(name);
      if (entry === undefined) entries.set(name, (entry = { subject, counts: { ...none } }));
      for (const count of countNames) entry.counts[count] += more[count];
    },
    get: (subject) => entries.get(subjectName(subject))?.counts ?? none,
    *subjects() {
      for (const { subject } of entries.values()) yield subject;
    },
  };
}

/** One text for each subject. */
export function subjectName({ keyId, network, method, status }: Subject): string {
  return JSON.stringify([keyId, network, method, status]);
}

/** A record of a journal, its names as the ledger has them. */
export function ofRecord(record: UsageRecord): [Subject, Counts] {
  const { keyId, calls, event, cost, errors, bytesIn, bytesOut, latencyMicros } = record;
  const subject = {
    keyId,
    network: nameInTables(record.network),
    method: nameInTables(record.method),
    status: usageStatuses[record.status] ?? String(record.status),
  };
  const counted = event ? { calls: 0, events: calls } : { calls, events: 0 };
  return [subject, { ...counted, cost, errors, bytesIn, bytesOut, latencyMicros }];
}

/** A line of the ledger that is told apart by all that a subject has. */
export function ofLine(line: UsageLine): [Subject, Counts] {
  const { keyId, network, method, status, calls, events, cost, errors, bytesIn, bytesOut, latencyMicros } =
    line;
  const subject = { keyId: keyId ?? '', network: network ?? '', method: method ?? '', status: status ?? '' };
  return [subject, { calls, events, cost, errors, bytesIn, bytesOut, latencyMicros }];
}
