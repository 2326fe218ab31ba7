import { outcomes } from '../limits/index.ts';

/** What an event counts as, in usage and `methods.costs`. */
export const EVENT_METHOD = 'eth_subscription';

/** Usage of one turn that is alike, added up. */
export interface UsageRecord {
  /** -1: no key. */
  keyNumber: number;
  network: number;
  method: string;
  /** One of the limits' `outcomes`. */
  outcome: number;
  calls: number;
  /** Cost units. */
  cost: number;
  /** Answers that carried an error of the node's own. */
  errors: number;
  /** Events of subscriptions that were delivered, and no calls. */
  event: boolean;
}

/** Where a turn's usage goes. Called before any answer of the turn leaves. */
export type CommitUsage = (records: readonly UsageRecord[]) => void;

export interface TurnUsage {
  add(
    keyNumber: number,
    network: number,
    method: string,
    outcome: number,
    cost: number,
    isError: boolean,
  ): void;
  /** One event delivered to a subscriber. */
  addEvent(keyNumber: number, network: number, cost: number): void;
  /** To be run at the end of each turn that made answers. */
  commit(): void;
}

/** Folds a turn's answered calls: 64 calls of one key and method in one turn make one record. */
export function createTurnUsage(commit: CommitUsage): TurnUsage {
  const records: UsageRecord[] = [];

  function find(
    keyNumber: number,
    network: number,
    method: string,
    outcome: number,
    event: boolean,
  ): UsageRecord {
    for (let k = records.length - 1; k >= 0 && k >= records.length - RECENT; k--) {
      const record = records[k]!;
      if (
        record.keyNumber === keyNumber &&
        record.method === method &&
        record.outcome === outcome &&
        record.network === network &&
        record.event === event
      ) {
        return record;
      }
    }
    const record = { keyNumber, network, method, outcome, calls: 0, cost: 0, errors: 0, event };
    records.push(record);
    return record;
  }

  return {
    add(keyNumber, network, method, outcome, cost, isError) {
      const record = find(keyNumber, network, method, outcome, false);
      record.calls++;
      record.cost += cost;
      if (isError) record.errors++;
    },
    addEvent(keyNumber, network, cost) {
      const record = find(keyNumber, network, EVENT_METHOD, outcomes.allowed, true);
      record.calls++;
      record.cost += cost;
    },
    commit() {
      if (records.length === 0) return;
      commit(records);
      records.length = 0;
    },
  };
}

/** How far back equal usage is looked for: a turn holds few kinds, and more records are right too. */
const RECENT = 8;
