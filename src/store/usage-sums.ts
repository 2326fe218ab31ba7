import type { UsageStatus } from '../usage/index.ts';

export interface UsageFilter {
  keyIds?: readonly string[];
  userId?: string;
  /** Epoch milliseconds: [from, to). */
  from?: number;
  to?: number;
  /** Only what comes later in the order of lines by key, network, method and status: for one part after the other, with `linesMax`. */
  after?: { keyId: string; network: string; method: string; status: string };
}

/** Which keys: these, or those that these users have or had, or all. Not both lists. */
export interface QuotaUseFilter {
  /** Is `userId` wanted? */
  users?: boolean;
  keyIds?: readonly string[];
  userIds?: readonly string[];
}

/** What counts for quotas, calls and events. */
export interface QuotaUsed {
  requests: number;
  cost: number;
}

/** What a key used of a day and a month. */
export interface KeyUse {
  day: QuotaUsed;
  month: QuotaUsed;
  /** null: it is nobody's, or was not asked for. */
  userId: string | null;
}

export interface UsageLine {
  /** Beginning of the minute, hour or day; null where not asked by time. */
  at: number | null;
  keyId: string | null;
  network: string | null;
  method: string | null;
  status: UsageStatus | null;
  calls: number;
  /** Of `calls`, those that a limit or quota refused. */
  refused: number;
  cost: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
  latencyMicros: number;
  /** Calls by `latencyBucket`. */
  latency: number[];
  events: number;
}
