import { createViolationFold, type Violations } from '../admission/index.ts';
import type { ViolationWeights } from '../config/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';
import type { Admission } from './admit.ts';
import type { CallContext } from './context.ts';

/** Of one worker in one beat: some 100,000 a second may begin to misbehave. */
const ADDRESSES_MAX = 10_000;

/**
 * What each refusal is as a violation. Others are none: of a quota or of load, of ourselves or a node, and of what a person with a
 * browser may ask for.
 */
const kinds: Partial<Record<RefusalCode, keyof ViolationWeights>> = {
  rate_limited: 'rate_limited',
  too_many_sockets: 'rate_limited',
  too_many_subscriptions: 'rate_limited',
  unauthorized: 'unauthorized',
  parse_error: 'invalid',
  invalid_request: 'invalid',
  body_too_large: 'invalid',
  headers_too_large: 'invalid',
  bad_http: 'invalid',
  method_blocked: 'method_blocked',
};

/** What callers did wrong, by address, until main is told. */
export interface ViolationLog {
  /** A refusal: nothing where it is no violation, or the caller is refused as it is. */
  refused(context: CallContext, code: RefusalCode): void;
  take(): Violations | null;
}

export function createViolationLog(admission: Admission): ViolationLog {
  const fold = createViolationFold(ADDRESSES_MAX);
  return {
    refused(context, code) {
      const { weights } = context.policy.snapshot.blocklist;
      const kind = kinds[code];
      if (weights === null || kind === undefined) return;
      const weight = weights[kind];
      if (weight > 0 && admission.counts(context)) fold.add(context.caller.address, weight);
    },
    take: fold.take,
  };
}
