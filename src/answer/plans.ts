import type { NetworkPolicy } from '../config/index.ts';
import { matchMethod } from '../jsonrpc/index.ts';
import { seedFor } from './key.ts';
import { ethereumFacts, type Fact, type HeightMember } from './ethereum-facts.ts';

/** What is done with one method's answers. */
export interface Plan {
  /** null: the configuration alone says how long. */
  fact: Fact | null;
  /** Where its results say their block. */
  member: HeightMember | null;
  /** How long an answer is kept; where there is a fact, one that depends on the head. Microseconds; 0: not at all. */
  keepMicros: number;
  /** For the hash of its keys; another for each method. */
  seed: number;
}

/** Callers make names up: more are not remembered. */
const PLANS_MAX = 1024;

/**
 * A method's plan, null where its answers are neither kept nor shared. The configuration's pattern that fits best comes
 * first, then, on Ethereum's networks, what is known of the method. One exception: block numbers, and blocks by tag, are never
 * kept beyond the head they were read at, however long a pattern allows, or they would run backwards.
 */
export function createPlans(
  { kind, cache, coalesce }: NetworkPolicy,
  seed: number,
): (method: string) => Plan | null {
  if (cache === null && !coalesce) return () => null;
  const plans = new Map<string, Plan | null>();
  const make = (method: string): Plan | null => {
    // Other names would make two bytes of each character of a key.
    if (!/^[ -~]*$/.test(method)) return null;
    const own = matchMethod(method, cache?.methods ?? [], ({ pattern }) => pattern);
    const fact = kind === 'ethereum' && Object.hasOwn(ethereumFacts, method) ? ethereumFacts[method]! : null;
    if (own?.ttlMs === 0) return null;
    if (own !== undefined && !tellsBlock(fact, method))
      return { fact: null, member: null, keepMicros: own.ttlMs * 1000, seed: seedFor(method, seed) };
    if (fact === null) return null;
    const keepMicros = (own?.ttlMs ?? cache?.headTtlMs ?? 0) * 1000;
    return { fact, member: memberOf(fact), keepMicros, seed: seedFor(method, seed) };
  };
  return (method) => {
    let plan = plans.get(method);
    if (plan === undefined) {
      plan = make(method);
      if (plans.size >= PLANS_MAX) plans.clear();
      plans.set(method, plan);
    }
    return plan;
  };
}

function tellsBlock(fact: Fact | null, method: string): boolean {
  if (fact?.on === 'head') return fact.forward === true;
  return method === 'eth_getBlockByNumber' || method === 'eth_getHeaderByNumber';
}

function memberOf(fact: Fact): HeightMember | null {
  if (fact.on === 'logs') return 'blockNumber';
  return 'height' in fact ? (fact.height ?? null) : null;
}
