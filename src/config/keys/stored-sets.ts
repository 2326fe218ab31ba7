import type { Registries } from '../registries.ts';
import { createRuleCompiler, keyRanks } from '../rule-compiler.ts';
import type { KeyTerms } from './terms.ts';

/** Terms that keys of a store share. */
export interface StoredSet {
  readonly terms: KeyTerms;
  /** Why these limits cannot be kept; null: they can. */
  readonly problem: string | null;
  users: number;
}

/** The distinct terms of stored keys, each for as long as a key has it or is to have it. */
export interface StoredSets {
  join(terms: KeyTerms): StoredSet;
  leave(set: StoredSet): void;
  /** Those that can be kept, but for the empty one. */
  usable(): Iterable<KeyTerms>;
  readonly size: number;
}

export function createStoredSets(registries: Registries): StoredSets {
  const sets = new Map<string, StoredSet>();

  /** Rules get their numbers in shared memory now, so that a compile with them does not fail. */
  function problemOf({ limits, problem }: KeyTerms): string | null {
    if (problem !== null) return problem;
    try {
      createRuleCompiler(registries, new Map()).addSet(limits, keyRanks);
      return null;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }

  return {
    join(terms) {
      let set = sets.get(terms.text);
      if (set === undefined) {
        set = { terms, users: 0, problem: problemOf(terms) };
        sets.set(terms.text, set);
      }
      set.users += 1;
      return set;
    },
    leave(set) {
      set.users -= 1;
      if (set.users === 0) sets.delete(set.terms.text);
    },
    get size() {
      return sets.size;
    },
    *usable() {
      for (const { terms, problem } of sets.values()) if (problem === null && terms.text !== '') yield terms;
    },
  };
}
