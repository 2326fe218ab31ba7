import {
  type Config,
  compile,
  createKeyTable,
  createRegistries,
  type PolicySnapshot,
  type QuotaPolicy,
  type StoredKey,
  storedIdOf,
  versionsOf,
} from '../config/index.ts';
import { createHash64, createRuleVersions, quotaPeriod, type RuleVersions } from '../limits/index.ts';
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
  /** The same config compiled anew, with room for the stored keys that wait and for their sets of rules. */
  renew(): PolicySnapshot;
  /** To be called when workers were given the snapshot of this generation; `all`: and all of them use it. */
  applied(generation: number, all: boolean): void;
  /** The keys of a store, beside those of the config. */
  readonly stored: StoredTable;
  keyByNumber(keyNumber: number): NamedKey | undefined;
  /** A key of the config, or those of the store with that name. */
  keysByName(name: string): NamedKey[];
  /** A key's quota is counted in the slot of its number; slots are named by keys over a restart. */
  quotaSlotOf(keyName: string): number | undefined;
  keyNameOf(quotaSlot: number): string | undefined;
  /** For whom a slot counts, or counted last. */
  quotaOwnerOf(quotaSlot: number): QuotaOwner | undefined;
  /** Of a rule's version; undefined if it is gone. */
  shapeOf: RuleVersions['shapeOf'];
  /** Keys whose quota is counted: slot, registered name and quota. */
  quotas(): Iterable<QuotaOwner>;
}

export type StoredTable = Pick<
  ReturnType<typeof createKeyTable>,
  'want' | 'settle' | 'waiting' | 'next' | 'reserve' | 'due' | 'stored' | 'storedIds' | 'storedByName'
>;

export interface QuotaOwner {
  slot: number;
  name: string;
  quota: QuotaPolicy;
}

export interface PolicyKeeperOptions {
  limits: LimitsKeeper;
  wallMs(): number;
  /** A slot counts for a key it did not count for until now, or by another unit or period. */
  onQuotaOwner?(owner: QuotaOwner): void;
}

export function createPolicyKeeper(first: Config, options: PolicyKeeperOptions): PolicyKeeper {
  const { limits, wallMs } = options;
  const versions = createRuleVersions(limits.memory);
  const registries = createRegistries({
    versions,
    hash64: createHash64(limits.memory.seed),
    quotaSlots: first.limits.quota_slots,
  });
  const quotaOwners = new Map<number, QuotaOwner>();
  /** Slots whose owner has no quota now: what it uses is not counted in them. */
  const idle = new Set<number>();
  let config = first;
  let configNames: Map<string, NamedKey> | undefined;
  let appliedAtMs = 0;

  /** A number that went from one key to another brings its old owner's count with it, which nobody owes; and requests are no cost units. */
  const takeQuotaSlot = (slot: number, name: string, quota: QuotaPolicy | null) => {
    const before = quotaOwners.get(slot);
    if (quota === null) {
      if (before?.name === name) idle.add(slot);
      return;
    }
    const owner = { slot, name, quota };
    quotaOwners.set(slot, owner);
    if (before !== undefined && (before.name !== name || before.quota.unit !== quota.unit))
      limits.buckets.writeQuota(slot, quotaPeriod(quota.period, wallMs()).id, 0);
    const counted = !idle.delete(slot);
    const same =
      counted &&
      before?.name === name &&
      before.quota.unit === quota.unit &&
      before.quota.period === quota.period;
    if (!same) options.onQuotaOwner?.(owner);
  };

  const table = createKeyTable(registries, { onQuota: takeQuotaSlot });

  const adopt = (next: Config): PolicySnapshot => {
    const compiled = compile(next, registries, table);
    if (next !== config || appliedAtMs === 0) {
      config = next;
      appliedAtMs = wallMs();
      configNames = undefined;
    }
    return compiled;
  };

  /** Made when somebody asks: a reload with many keys need not wait for it. */
  const configKey = (name: string): NamedKey | undefined => {
    configNames ??= new Map(
      config.keys.map((key) => [key.name, { name: key.name, sha256: key.digest, userId: null }]),
    );
    return configNames.get(name);
  };
  const named = ({ name, sha256, userId }: StoredKey): NamedKey => ({ name, sha256, userId });

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
    renew() {
      snapshot = adopt(config);
      return snapshot;
    },
    applied(generation, all) {
      if (!all || generation !== snapshot.generation) return;
      const own = versionsOf(snapshot);
      const has = (version: number) => own.has(version) || table.namesVersion(version);
      versions.retireExcept({ has }, limits.nowMicros());
    },
    stored: table,
    keyByNumber(keyNumber) {
      const name = registries.keys.nameOf(keyNumber) ?? '';
      const id = storedIdOf(name);
      if (id === undefined) return configKey(name);
      const key = table.stored(id);
      return key && named(key);
    },
    keysByName(name) {
      const key = configKey(name);
      return key === undefined ? table.storedByName(name).map(named) : [key];
    },
    quotaSlotOf: (name) => registries.keys.find(name),
    keyNameOf: (slot) => quotaOwners.get(slot)?.name,
    quotaOwnerOf: (slot) => quotaOwners.get(slot),
    shapeOf: versions.shapeOf,
    *quotas() {
      for (const owner of quotaOwners.values()) {
        if (registries.keys.find(owner.name) === owner.slot) yield owner;
      }
    },
  };
}
