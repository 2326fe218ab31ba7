import type { Hash64, RuleVersions } from '../limits/index.ts';
import { createKeyNumbers, type KeyNumbers } from './keys/numbers.ts';

/** Upstreams and networks that one process has room for. */
export const UPSTREAM_SLOTS = 1024;
export const NETWORK_SLOTS = 256;

/** Numbers that hold from one snapshot to the next. One a process, on main. */
export interface Registries {
  versions: RuleVersions;
  /** Seeded hash of a rule's scope: [lo, hi]. */
  scopeHash(scope: string): readonly [number, number];
  keys: KeyNumbers;
  /** Slots of the shared board, by `network` and `network/upstream`. */
  networkSlots: SlotRegistry;
  upstreamSlots: SlotRegistry;
  nextGeneration(): number;
}

/** Numbers by name, of things that come and go. */
export interface SlotRegistry {
  /** The name's number; a new name takes the next one, and once all are taken that of the name gone longest. */
  numberOf(name: string): number;
  nameOf(number: number): string | undefined;
  find(name: string): number | undefined;
  /** Names not in `names` are gone: their numbers may be given again, the oldest first. */
  retain(names: ReadonlySet<string>): void;
}

export function createRegistries(parts: {
  versions: RuleVersions;
  hash64: Hash64;
  /** Slots for quotas, which keys with a quota have their numbers from. */
  quotaSlots: number;
}): Registries {
  const words = new Uint32Array(2);
  let generation = 0;
  return {
    versions: parts.versions,
    scopeHash(scope) {
      const bytes = Buffer.from(scope);
      parts.hash64(bytes, 0, bytes.length, words);
      return [words[0]!, words[1]!];
    },
    keys: createKeyNumbers(parts.quotaSlots),
    networkSlots: createSlotRegistry(NETWORK_SLOTS),
    upstreamSlots: createSlotRegistry(UPSTREAM_SLOTS),
    nextGeneration: () => (generation += 1),
  };
}

/** Numbers below `preferred` are used before one is given again. */
export function createSlotRegistry(preferred: number): SlotRegistry {
  const numbers = new Map<string, number>();
  const names: (string | undefined)[] = [];
  /** In the order they went. */
  const gone = new Set<string>();
  return {
    numberOf(name) {
      const known = numbers.get(name);
      if (known !== undefined) {
        gone.delete(name);
        return known;
      }
      let number = names.length;
      const [oldest] = number >= preferred ? gone : [];
      if (oldest !== undefined) {
        number = numbers.get(oldest) ?? number;
        gone.delete(oldest);
        numbers.delete(oldest);
      }
      numbers.set(name, number);
      names[number] = name;
      return number;
    },
    nameOf: (number) => names[number],
    find: (name) => numbers.get(name),
    retain(kept) {
      for (const name of numbers.keys()) if (!kept.has(name)) gone.add(name);
    },
  };
}
