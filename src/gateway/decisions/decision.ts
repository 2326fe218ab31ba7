import type { AnswerSource } from '../../answer/index.ts';
import type { KeyPlace } from '../../identity/index.ts';
import type { RefusalCode } from '../../jsonrpc/index.ts';
import type { DeliveryTrace } from '../../upstream/index.ts';

/** A quota with the call counted in it, if it passed. */
export interface DecisionQuota {
  unit: 'requests' | 'cost';
  limit: number;
  used: number;
  period: 'day' | 'month';
  /** ISO 8601. */
  resetsAt: string;
}

/** How one call was decided, whole and readable: what explain shows. Plain data. */
export interface DecisionRecord {
  requestId: string;
  /** Position in its batch; -1 for a call of its own. */
  item: number;
  /** How many more items of its batch were refused for the same reason, and have no record of their own. */
  alike: number;
  /** Epoch milliseconds at which the request was whole, as the wall clock counts back from its answer. */
  atMs: number;
  worker: number;
  /** Of the policy that decided. */
  generation: number;
  transport: 'http' | 'websocket';
  /** Which of HTTP's two parsers read it; null over WebSocket. */
  lane: 'fast' | 'fallback' | null;
  /** Of the WebSocket that brought it; null over HTTP. */
  socket: string | null;
  caller: {
    kind: 'key' | 'address' | 'unknown';
    /** -1 without a key; main knows its name. */
    keyNumber: number;
    keyPrefix: string;
    foundIn: KeyPlace | null;
    address: string;
  };
  /** The caller's own X-Request-Id. */
  callerRequestId: string | null;
  /** Empty where the call did not get as far. */
  network: string;
  method: string;
  group: string | null;
  cost: number;
  /** Every rule that matches the method, in the order they were looked at. */
  rules: { name: string; rank: string; mode: 'enforce' | 'shadow'; chosen: boolean; why: string }[];
  /**
   * Tokens of each bucket before and after; `refused`: this bucket had too few. Of a leased one, those of the lease and those that Redis had left when
   * it was last asked. A bucket that was not asked, since others had refused, is left out.
   */
  buckets: {
    policy: string;
    kind: 'rule' | 'ceiling' | 'shadow';
    capacity: number;
    before: number;
    after: number;
    refused: boolean;
    /**
     * Where it was decided: `memory`, no other instance has it; `lease`, by what this instance holds of it; `exact`, in Redis; `share`, by this
     * instance's part of it, since Redis did not answer.
     */
    by: 'memory' | 'lease' | 'exact' | 'share';
  }[];
  /** null: no other instance has its buckets. */
  sharing: {
    /** That shared them then, this one included. */
    instances: number;
    /** What the call waited for a lease or for Redis, in milliseconds. */
    waitedMs: number;
  } | null;
  /** The key's. */
  quota: DecisionQuota | null;
  /** Of all keys of its user together. */
  userQuota: DecisionQuota | null;
  outcome: 'allowed' | 'burst' | 'exceeded' | 'quota' | 'refused' | 'failed';
  refusal: RefusalCode | null;
  /** For operators; may say more than the caller was told. */
  reason: string | null;
  retryAfterMs: number | null;
  /** Where the answer came from; null: there is none. `joined`: by an identical call that was under way; `hub`: of the
   * subscriptions of all workers. */
  answeredFrom: AnswerSource | null;
  upstream: {
    name: string;
    mode: string;
    attempts: number;
    ms: number;
    failure: string | null;
    /** What was weighed and tried; null for a call that went well at once and was not to be explained. */
    delivery: DeliveryTrace | null;
  } | null;
  /** From the whole request to its answer, in milliseconds. */
  totalMs: number;
}
