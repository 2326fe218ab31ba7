import type { AnswerSource } from '../../answer/index.ts';
import type { RefusalCode } from '../../jsonrpc/index.ts';
import type { DeliveryTrace } from '../../upstream/index.ts';
import type { CallContext } from '../context.ts';
import type { LimitPlan } from '../limit/limit-plan.ts';
import type { MethodFacts } from '../policy.ts';

/** What the chain of buckets said of one call; by link, the plan's enforced ones first, then its shadows. */
export interface ChainReading {
  readonly links: number;
  readonly before: ArrayLike<number>;
  readonly after: ArrayLike<number>;
  /** Bits by link: the enforced ones that refused, the shadows that would have. */
  readonly refused: number;
  readonly shadowRefused: number;
}

/** How buckets that other instances have as well were asked; bits by link, as in the reading. */
export interface SharingReading {
  /** That shared them then, this one included. */
  readonly instances: number;
  /** Decided where they stand, or by what was said there. */
  readonly exact: number;
  /** Decided by this instance's share. */
  readonly share: number;
  /** Not asked, since others had refused. */
  readonly unasked: number;
}

/** A quota as a call found it, and what it holds for the call. */
export interface QuotaReading {
  /** Whose it is: the key's own, or of all keys of its user together. */
  readonly of: 'key' | 'user';
  unit: 'requests' | 'cost';
  limit: number;
  used: number;
  period: 'day' | 'month';
  resetsAtMs: number;
  /** Where it is counted: slot, period and cost. What a refund names. */
  readonly slot: number;
  periodId: number;
  readonly cost: number;
  /** It is what refused: used up, or other instances hold all that is left. */
  refused: boolean;
}

/** Everything of a decision that explain shows, by reference where it lives on anyway. A call is one. */
export interface DecisionSource {
  readonly context: CallContext;
  /** Count of the request id. */
  readonly request: number;
  readonly callerRequestId: string | undefined;
  /** Position in its batch; -1 for a call of its own. */
  readonly item: number;
  /** Monotonic microseconds; `sentAt` is 0 if it was never written to a node. */
  readonly startedAt: number;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly method: string;
  readonly facts: MethodFacts | null;
  readonly plan: LimitPlan | null;
  /** One of the limits' `outcomes`. */
  readonly outcome: number;
  readonly refusal: RefusalCode | null;
  readonly reason: string | null;
  /** The upstream brought no answer. */
  readonly hasFailed: boolean;
  readonly attempts: number;
  /** In tokens; 0 where the call did not get as far. */
  readonly cost: number;
  readonly source: AnswerSource;
  /** Index of the upstream in its network; -1: none. */
  readonly via: number;
  readonly trace: DeliveryTrace | null;
  readonly retryAfterMs: number;
  readonly reading: ChainReading | null;
  /** null: no other instance has its buckets, or it is not to be noted. */
  readonly sharing: SharingReading | null;
  /** Microseconds that it waited for word from other instances' buckets. */
  readonly waited: number;
  /** The key's. */
  readonly quota: QuotaReading | null;
  /** Its user's. */
  readonly userQuota: QuotaReading | null;
}
