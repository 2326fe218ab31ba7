import { type AddressLists, openAddressLists } from '../admission/index.ts';
import type { PolicySnapshot } from '../config/index.ts';
import { createErrorAnswer, type ErrorAnswer, matchMethod } from '../jsonrpc/index.ts';
import { createKeyIndexReader, digestOfKey, isKeyText } from '../identity/index.ts';
import type { Hash64 } from '../limits/index.ts';
import { wellKnownMethods } from '../metrics/index.ts';
import { createKeySets, type KeySet } from './limit/key-sets.ts';
import { type LimitPlan, planFor } from './limit/limit-plan.ts';
import { createMethodLabels, type MethodLabels } from './figures/method-labels.ts';
import { type NetworkPaths, networkPaths } from './route.ts';

/** Method names kept with their facts, and plans over all of them; beyond it is begun anew: callers make up names. */
const KNOWN_METHODS_MAX = 4096;
const PLANS_MAX = 16_384;
const wellKnown = new Set(wellKnownMethods);
const STRANGERS_MAX = 1000;
/** All further ones. */
const OTHER_METHODS = '(other)';

/** What the policy says of one method. */
export interface MethodFacts {
  readonly name: string;
  /** What usage calls it: its name, unless that should not be kept. */
  readonly countedAs: string;
  readonly group: string | null;
  readonly cost: number;
  /** The pattern of `methods.blocked` that it matches; null: it is not blocked. */
  readonly blockedBy: string | null;
  /** Idempotent: may be sent twice. */
  readonly safe: boolean;
  /** Once it has run, what depends on the chain's state may be another. */
  readonly moves: boolean;
  /** May it be sent to a node again, or to another? */
  readonly retry: 'safe' | 'transaction' | 'never';
  /** May use what is held in reserve when calls are shed. */
  readonly critical: boolean;
  /** Cheap enough to share an upstream batch. */
  readonly cheap: boolean;
  /** Limit plans by rule set and network, made at first use. */
  readonly plans: Map<number, LimitPlan>;
  /** What metrics call it. */
  readonly label: string;
  /** Where its calls are counted, by network from -1 on; filled by `call-figures`. */
  readonly rows: number[];
}

/**
 * A policy snapshot as one worker uses it: the same numbers, with look-ups made ready. Immutable but for its memory of
 * methods and of keys' sets.
 */
export class Policy {
  readonly snapshot: PolicySnapshot;
  readonly paths: NetworkPaths;
  readonly errorAnswer: ErrorAnswer;
  /** What keys with this number of a set have beside the rules of all; 0: nothing. */
  readonly keySet: (number: number) => KeySet;
  readonly labels: MethodLabels;
  /** Where upstreams are counted, by network and place in it; filled by `call-figures`. */
  readonly upstreamRows: number[][] = [];
  readonly lists: AddressLists;
  private readonly methods = new Map<string, MethodFacts>();
  private plans = 0;
  private readonly strangers = new Set<string>();
  private readonly networkOwners: readonly (readonly [number, number])[];

  constructor(snapshot: PolicySnapshot, hash: Hash64) {
    this.snapshot = snapshot;
    this.paths = networkPaths(snapshot);
    this.keySet = createKeySets(snapshot);
    this.lists = openAddressLists(snapshot.blocklist);
    this.errorAnswer = createErrorAnswer(snapshot.server.docsUrl);
    this.labels = createMethodLabels(snapshot);
    const words = new Uint32Array(2);
    this.networkOwners = snapshot.networks.map(({ name }) => {
      const bytes = Buffer.from(`network:${name}`);
      hash(bytes, 0, bytes.length, words);
      return [words[0]!, words[1]!];
    });
  }

  method(name: string): MethodFacts {
    let facts = this.methods.get(name);
    if (facts === undefined) {
      facts = methodFacts(name, this.snapshot, this);
      if (this.methods.size >= KNOWN_METHODS_MAX) {
        this.forgetPlans();
        this.methods.clear();
      }
      this.methods.set(name, facts);
    }
    return facts;
  }

  /** Which buckets a call takes from: of callers with rule set `ruleSet`, with or without a key. */
  plan(facts: MethodFacts, ruleSet: number, withKey: boolean, network: number): LimitPlan {
    const key = (ruleSet * this.snapshot.networks.length + network) * 2 + (withKey ? 1 : 0);
    let plan = facts.plans.get(key);
    if (plan === undefined) {
      plan = planFor(this.snapshot, { own: this.keySet(ruleSet), withKey, method: facts, network });
      if (this.plans >= PLANS_MAX) this.forgetPlans();
      this.plans++;
      facts.plans.set(key, plan);
    }
    return plan;
  }

  private forgetPlans(): void {
    for (const facts of this.methods.values()) facts.plans.clear();
    this.plans = 0;
  }

  /**
   * What usage calls a method that nobody has named before the caller: callers make names up, and each name kept is a row
   * in the ledger for every minute it is used in. Beyond the first thousand they are one; a key that was put in place of a method is none.
   */
  strangerName(name: string): string {
    if (this.isKey(name)) return '[redacted]';
    if (!this.strangers.has(name)) {
      if (this.strangers.size >= STRANGERS_MAX) return OTHER_METHODS;
      this.strangers.add(name);
    }
    return name;
  }

  /** Whether a text is one of the keys. Not for the hot path. */
  isKey(text: string): boolean {
    return isKeyText(text) && createKeyIndexReader(this.snapshot.keyIndex).find(digestOfKey(text)) >= 0;
  }

  /** Hash of a network's name: whose bucket a ceiling per network is. */
  networkOwner(network: number): readonly [lo: number, hi: number] {
    return this.networkOwners[network]!;
  }
}

function methodFacts(name: string, snapshot: PolicySnapshot, policy: Policy): MethodFacts {
  const {
    groups,
    costs,
    blocked,
    cheap,
    unsafe,
    safe: reads,
    still,
    transactions,
    critical,
  } = snapshot.methods;
  const groupPatterns = groups.flatMap((group) =>
    group.patterns.map((pattern) => ({ pattern, group: group.name })),
  );
  const group = matchMethod(name, groupPatterns, (entry) => entry.pattern);
  const cost = matchMethod(name, costs, (entry) => entry.pattern);
  const itself = (pattern: string): string => pattern;
  const safe = reads.includes(name) || matchMethod(name, unsafe, itself) === undefined;
  const named = group?.pattern === name || cost?.pattern === name || wellKnown.has(name);
  return {
    name,
    countedAs: named ? name : policy.strangerName(name),
    group: group?.group ?? null,
    cost: cost?.cost ?? 1,
    blockedBy: matchMethod(name, blocked, itself) ?? null,
    safe,
    moves: !safe && matchMethod(name, still, itself) === undefined,
    retry: safe ? 'safe' : transactions.includes(name) ? 'transaction' : 'never',
    critical: matchMethod(name, critical, itself) !== undefined,
    cheap: matchMethod(name, cheap, itself) !== undefined,
    plans: new Map(),
    label: policy.labels.labelOf(name),
    rows: [],
  };
}
