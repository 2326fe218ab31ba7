import { usageStatuses } from '../../src/usage/index.ts';
import type { StoreGateway } from '../store/gateway.ts';
import { journalRecords } from '../store/judge.ts';

/** What was used of a method by a key. */
export interface Line {
  /** Answered, with errors of the node's own and what used a burst. */
  calls: number;
  burst: number;
  errors: number;
  cost: number;
  /** By a limit or a quota. */
  refused: number;
  /** Delivered by subscriptions. */
  events: number;
}

/** By key id and method, in one text. */
export type Usage = ReadonlyMap<string, Line>;

/** As the load counts them, who called, and what came of it. */
export interface Books {
  readonly usage: Usage;
  answered(keyId: string, method: string, what: { cost: number; error?: boolean; burst?: boolean }): void;
  refused(keyId: string, method: string): void;
  /** Its answer never came, so nobody can say whether it was used. */
  lost(keyId: string, method: string, cost: number): void;
  event(keyId: string): void;
  /** Its socket broke: so many events may have been on their way. */
  eventsLost(keyId: string, most: number): void;
  /** What may be in usage beyond this: calls or events, and their cost. */
  slack(line: string): { calls: number; cost: number };
}

export const EVENT_METHOD = 'eth_subscription';

export function createUsage() {
  const lines = new Map<string, Line>();
  return {
    lines: lines as Usage,
    of(keyId: string, method: string): Line {
      const name = `${keyId} ${method}`;
      let line = lines.get(name);
      if (line === undefined)
        lines.set(name, (line = { calls: 0, burst: 0, errors: 0, cost: 0, refused: 0, events: 0 }));
      return line;
    },
  };
}

export function createBooks(): Books {
  const { lines, of } = createUsage();
  const slack = new Map<string, { calls: number; cost: number }>();
  const loosen = (keyId: string, method: string, calls: number, cost: number): void => {
    of(keyId, method);
    const name = `${keyId} ${method}`;
    const before = slack.get(name) ?? { calls: 0, cost: 0 };
    slack.set(name, { calls: before.calls + calls, cost: before.cost + cost });
  };
  return {
    usage: lines,
    answered(keyId, method, { cost, error = false, burst = false }) {
      const line = of(keyId, method);
      line.calls += 1;
      line.cost += cost;
      if (error) line.errors += 1;
      if (burst) line.burst += 1;
    },
    refused: (keyId, method) => void (of(keyId, method).refused += 1),
    lost: (keyId, method, cost) => loosen(keyId, method, 1, cost),
    event(keyId) {
      const line = of(keyId, EVENT_METHOD);
      line.events += 1;
      line.cost += 1;
    },
    eventsLost: (keyId, most) => loosen(keyId, EVENT_METHOD, most, most),
    slack: (line) => slack.get(line) ?? { calls: 0, cost: 0 },
  };
}

/** Of all segments in these folders of state. */
export function readJournals(folders: readonly string[]): Usage {
  const { lines, of } = createUsage();
  for (const folder of folders)
    for (const { keyId, method, status, event, calls, errors, cost } of journalRecords(
      `${folder}/.polymorph/journal`,
    )) {
      const line = of(keyId, method);
      line.cost += cost;
      line.errors += errors;
      if (event) line.events += calls;
      else if (usageStatuses[status] === 'exceeded') line.refused += calls;
      else line.calls += calls;
      if (!event && usageStatuses[status] === 'burst') line.burst += calls;
    }
  return lines;
}

/** Whatever the clock was when it was counted. */
export async function readLedger(
  { operate }: Pick<StoreGateway, 'operate'>,
  times: object = {},
): Promise<Usage> {
  const { lines, of } = createUsage();
  const found = await operate('usage.query', { by: ['key', 'method', 'status'], ...times });
  for (const { key, method, status, calls, refused, events, errors, cost } of found[
    'lines'
  ] as LedgerLine[]) {
    const line = of(key.id, method);
    line.calls += calls;
    line.refused += refused;
    line.events += events;
    line.errors += errors;
    line.cost += cost;
    if (status === 'burst') line.burst += calls;
  }
  return lines;
}

interface LedgerLine extends Line {
  key: { id: string };
  method: string;
  status: string;
}

const fields = ['calls', 'burst', 'errors', 'cost', 'refused', 'events'] as const;
const nothing: Line = { calls: 0, burst: 0, errors: 0, cost: 0, refused: 0, events: 0 };

/** What differs between a journal and its ledger: nothing may. */
export function compareLedger(journal: Usage, ledger: Usage): string[] {
  return linesOf(journal, ledger).flatMap((name) => {
    const [a, b] = [journal.get(name) ?? nothing, ledger.get(name) ?? nothing];
    return fields
      .filter((field) => a[field] !== b[field])
      .map((field) => `${name}: ${field} ${a[field]} in the journals, ${b[field]} in the ledger`);
  });
}

/** What differs between usage and the load's own books, beyond answers that never came. `burst`: of lines that say so alone. */
export function compareBooks(
  books: Books,
  usage: Usage,
  burstOf: (line: string) => boolean = () => false,
): string[] {
  return linesOf(books.usage, usage).flatMap((name) => {
    const [oracle, found] = [books.usage.get(name) ?? nothing, usage.get(name) ?? nothing];
    const slack = books.slack(name);
    return fields.flatMap((field) => {
      if (field === 'burst' && !burstOf(name)) return [];
      const beyond = found[field] - oracle[field];
      const most = field === 'cost' ? slack.cost : slack.calls;
      if (beyond >= 0 && beyond <= most) return [];
      return [
        `${name}: ${field} ${found[field]}, and the load counted ${oracle[field]}, with ${most} more at most`,
      ];
    });
  });
}

const linesOf = (...usages: Usage[]): string[] => [...new Set(usages.flatMap((usage) => [...usage.keys()]))];

/** Of all lines, or those of a method. */
export function sum(usage: Usage, field: keyof Line, method?: string): number {
  let all = 0;
  for (const [name, line] of usage)
    if (method === undefined || name.endsWith(` ${method}`)) all += line[field];
  return all;
}
