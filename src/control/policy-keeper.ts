import { type Config, compile, createRegistries, type PolicySnapshot, versionsOf } from '../config/index.ts';
import { createHash64, createRuleVersions, quotaPeriod } from '../limits/index.ts';
import type { NamedKey } from './explain-port.ts';
import type { LimitsKeeper } from './limits-keeper.ts';

/** The policy that holds, and what main alone knows of it: the names behind its numbers. */
export interface PolicyKeeper {
  readonly config: Config;
  readonly snapshot: PolicySnapshot;
  /** Epoch milliseconds. */
  readonly appliedAtMs: number;
  /** Makes `config` the policy. Throws RangeError, and changes nothing, where shared memory has no number left. */
  adopt(config: Config): PolicySnapshot;
  /** Gives rule versions of older policies back. Call when all workers use the present one. */
  retireOlder(): void;
  keyByNumber(keyNumber: number): NamedKey | undefined;
  keyByName(name: string): NamedKey | undefined;
  /** A key's quota is counted in the slot of its number; slots are named by keys over a restart. */
  quotaSlotOf(keyName: string): number | undefined;
  keyNameOf(quotaSlot: number): string | undefined;
}

export function createPolicyKeeper(first: Config, limits: LimitsKeeper, wallMs: () => number): PolicyKeeper {
  const versions = createRuleVersions(limits.memory);
  const registries = createRegistries({
    versions,
    hash64: createHash64(limits.memory.seed),
    keyNumbers: first.limits.quota_slots,
  });
  const quotaOwners = new Map<number, string>();
  let config = first;
  let names: Map<string, NamedKey> | undefined;
  let appliedAtMs = 0;

  const adopt = (next: Config): PolicySnapshot => {
    const compiled = compile(next, registries);
    config = next;
    appliedAtMs = wallMs();
    names = undefined;
    takeOverQuotaSlots(next);
    return compiled;
  };

  /** A number that went from one key to another brings its old owner's count with it, which nobody owes. */
  const takeOverQuotaSlots = (next: Config) => {
    for (const { name, quota } of next.keys) {
      const slot = registries.keys.find(name);
      if (slot === undefined || quota === null) continue;
      const owner = quotaOwners.get(slot);
      quotaOwners.set(slot, name);
      if (owner === undefined || owner === name) continue;
      limits.buckets.writeQuota(slot, quotaPeriod(quota.period, wallMs()).id, 0);
    }
  };

  /** Made when somebody asks: a reload with many keys need not wait for it. */
  const keyByName = (name: string): NamedKey | undefined => {
    names ??= new Map(config.keys.map((key) => [key.name, { name: key.name, sha256: key.digest }]));
    return names.get(name);
  };

  let snapshot = adopt(first);
  return {
    get config() {
      return config;
    },
    get snapshot() {
      return snapshot;
    },
    get appliedAtMs() {
      return appliedAtMs;
    },
    adopt(next) {
      snapshot = adopt(next);
      return snapshot;
    },
    retireOlder: () => versions.retireExcept(versionsOf(snapshot), limits.nowMicros()),
    keyByNumber: (keyNumber) => keyByName(registries.keys.nameOf(keyNumber) ?? ''),
    keyByName,
    quotaSlotOf: (keyName) => registries.keys.find(keyName),
    keyNameOf: (slot) => quotaOwners.get(slot),
  };
}
