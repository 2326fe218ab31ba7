import { Chain, createBuckets, createHash64, createLimitsMemory, createRuleVersions } from '../index.ts';
import type { Buckets, LimitsMemory, LimitsMemoryOptions, RuleParams, RuleVersions } from '../index.ts';

/** A memory with one thread's hands on it, where callers and scopes are names. */
export interface Fixture {
  memory: LimitsMemory;
  versions: RuleVersions;
  buckets: Buckets;
  chain: Chain;
  /** Adds the bucket of `caller` under `scope` to the chain. */
  add(caller: string, scope: string, rule: RuleParams, shadow?: boolean): void;
  /** Takes `cost` from that one bucket. */
  take(caller: string, rule: RuleParams, nowMicros: number, cost?: number): number;
}

export const testSeed = Uint32Array.of(0x0123_4567, 0x89ab_cdef, 0xdead_beef, 0x0bad_cafe);

export function createFixture(options: Partial<LimitsMemoryOptions> = {}, owner = 1): Fixture {
  const memory = createLimitsMemory({
    entries: 4096,
    versions: 1024,
    quotaSlots: 1024,
    seed: testSeed,
    ...options,
  });
  return onMemory(memory, owner);
}

export function onMemory(memory: LimitsMemory, owner = 1): Fixture {
  const hash = createHash64(memory.seed);
  const versions = createRuleVersions(memory);
  const buckets = createBuckets(memory, owner);
  const chain = new Chain();
  const caller64 = new Uint32Array(2);
  const scope64 = new Uint32Array(2);
  const encoder = new TextEncoder();
  const hashText = (text: string, out: Uint32Array): void => {
    const bytes = encoder.encode(text);
    hash(bytes, 0, bytes.length, out);
  };
  const fixture: Fixture = {
    memory,
    versions,
    buckets,
    chain,
    add(caller, scope, rule, shadow = false) {
      hashText(caller, caller64);
      hashText(scope, scope64);
      const version = versions.versionOf(scope, rule);
      const link = [caller64[0]!, caller64[1]!, scope64[0]!, scope64[1]!, version] as const;
      if (shadow) chain.addShadow(...link);
      else chain.add(...link);
    },
    take(caller, rule, nowMicros, cost = 1) {
      chain.reset(cost);
      fixture.add(caller, 'default', rule);
      buckets.take(chain, nowMicros);
      return chain.outcome;
    },
  };
  return fixture;
}

/** Heavier counts, for `npm run test:long`. */
export const long = process.env.POLYMORPH_TEST_LONG === '1';
