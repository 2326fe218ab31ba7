import { type BucketShape, bucketShape } from '../../limits/index.ts';
import type { CallContext } from '../context.ts';
import type { LimitPlan, PlanLink } from '../limit/limit-plan.ts';
import { scopeOf } from './need-of.ts';

/** One bucket that is decided where it stands. */
export interface ExactLink {
  readonly link: PlanLink;
  /** Index in the plan. */
  readonly at: number;
  readonly scope: string;
  readonly shape: BucketShape;
}

/** A plan whose buckets are not all leased. */
export interface ExactPart {
  readonly exact: readonly ExactLink[];
  /** Bits of them in the plan. */
  readonly exactBits: number;
  /** The others. */
  readonly leased: readonly PlanLink[];
  /** Where the link of a chain of those and the plan's shadows stands in the plan. */
  placeOf(leased: number): number;
  /** The same of bits. */
  leasedBits(bits: number): number;
}

/** Of a plan, by how many instances there are. */
export interface ExactParts {
  /** null: all of its buckets are leased. */
  of(plan: LimitPlan, context: CallContext, instances: number): ExactPart | null;
}

/** A capacity below so many tokens for each instance is too small to be shared out. */
const TOKENS_FOR_EACH = 5;
/** Of one call. */
const EXACT_MAX = 8;

export function createExactParts(): ExactParts {
  const known = new WeakMap<LimitPlan, { instances: number; part: ExactPart | null }>();
  return {
    of(plan, context, instances) {
      let found = known.get(plan);
      if (found === undefined || found.instances !== instances) {
        found = { instances, part: partOf(plan, context, instances) };
        known.set(plan, found);
      }
      return found.part;
    },
  };
}

/** A plan is of callers with a key, or of those without. */
function partOf({ links }: LimitPlan, { caller }: CallContext, instances: number): ExactPart | null {
  const own = caller.kind === 'key' ? ['caller', 'key'] : ['caller', 'address'];
  const exact: ExactLink[] = [];
  const leasedAt: number[] = [];
  for (const [at, link] of links.entries()) {
    const { rule } = link;
    const wanted = rule.exact || rule.capacity < TOKENS_FOR_EACH * instances;
    const shape = wanted && own.includes(link.owner) ? bucketShape(rule) : undefined;
    if (shape === undefined || exact.length === EXACT_MAX) leasedAt.push(at);
    else exact.push({ link, at, scope: scopeOf(rule), shape });
  }
  if (exact.length === 0) return null;
  const count = leasedAt.length;
  const placeOf = (at: number): number => (at < count ? leasedAt[at]! : links.length + at - count);
  return {
    exact,
    exactBits: exact.reduce((bits, { at }) => bits | (1 << at), 0),
    leased: leasedAt.map((at) => links[at]!),
    placeOf,
    leasedBits(bits) {
      let found = 0;
      for (let at = 0; bits >> at !== 0; at++) if (((bits >> at) & 1) === 1) found |= 1 << placeOf(at);
      return found;
    },
  };
}
