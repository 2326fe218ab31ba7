import type { Registries } from '../registries.ts';
import type { KeyTerms } from './terms.ts';

/** Numbers of rule sets over the snapshots of one process, and which of them workers know already. */
export interface SetNumbers {
  /** Numbers all of `terms`, and forgets others. */
  number(terms: Iterable<KeyTerms>): Map<number, KeyTerms>;
  /** Numbers those of `terms` that have none yet, and returns them. */
  add(terms: Iterable<KeyTerms>): Map<number, KeyTerms>;
  /** Has it a number? */
  has(terms: KeyTerms): boolean;
  /** Terms with a number, used or not. */
  readonly size: number;
  /** What was numbered last stands in a snapshot of this generation. */
  compiled(generation: number): void;
  /** All workers use this generation or a later one. */
  applied(generation: number): void;
  /** The number of terms that all workers know by it; undefined: not yet. */
  known(terms: KeyTerms): number | undefined;
}

export function createSetNumbers({ sets }: Registries): SetNumbers {
  let current = new Map<string, number>([['', 0]]);
  /** Numbers not in a snapshot yet, and by generation those that workers may not have yet. */
  let given = new Set<number>();
  const underWay = new Map<number, Set<number>>();

  return {
    number(terms) {
      const all = [...terms];
      const before = current;
      sets.retain(new Set(['', ...all.map(({ text }) => text)]));
      current = new Map([['', 0], ...all.map(({ text }): [string, number] => [text, sets.numberOf(text)])]);
      for (const [text, number] of current) if (before.get(text) !== number) given.add(number);
      return new Map(all.map((one) => [current.get(one.text)!, one]));
    },
    add(terms) {
      const added = new Map<number, KeyTerms>();
      for (const one of terms) {
        if (current.has(one.text)) continue;
        // One that the last whole compile let go of: the tables that workers have are empty there.
        const number = sets.numberOf(one.text);
        current.set(one.text, number);
        given.add(number);
        added.set(number, one);
      }
      return added;
    },
    has: ({ text }) => current.has(text),
    get size() {
      return current.size;
    },
    compiled(generation) {
      if (given.size > 0) underWay.set(generation, given);
      given = new Set();
    },
    applied(generation) {
      for (const one of underWay.keys()) if (one <= generation) underWay.delete(one);
    },
    known({ text }) {
      const number = current.get(text);
      if (number === undefined || given.has(number)) return undefined;
      for (const numbers of underWay.values()) if (numbers.has(number)) return undefined;
      return number;
    },
  };
}
