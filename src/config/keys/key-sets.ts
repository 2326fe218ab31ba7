import { createSharedTexts, readSharedText } from '../../identity/index.ts';
import type { Registries } from '../registries.ts';
import { compileRules, createRuleMaker, keyRanks } from '../rule-compiler.ts';
import type { KeySetText, RuleText } from '../snapshot.ts';
import { messagesRuleOf } from '../socket-bounds.ts';
import type { KeyTerms } from './terms.ts';

/** Terms that keys share, of the config or of a store. */
export interface KeySet {
  readonly terms: KeyTerms;
  /** Why these limits cannot be kept; null: they can. */
  readonly problem: string | null;
  /** Where workers find it in the present memory; 0: it says nothing of its own, or cannot be kept. */
  readonly number: number;
}

/**
 * The distinct terms of all keys, each compiled into shared memory once, for as long as a key has it or is to have it. What
 * one costs is its own: a compile of the config never looks at them.
 */
export interface KeySets {
  /** For `KeySetText`s by their numbers. */
  readonly memory: SharedArrayBuffer;
  /** One more user. It stands in memory when this returns, and what names its number after that will be understood. */
  join(terms: KeyTerms): KeySet;
  leave(set: KeySet): void;
  /** Has a rule of a set this version? */
  names(version: number): boolean;
  /** More was given up than is in use: `renew`. */
  readonly due: boolean;
  /** Fresh memory and other numbers, for a new key index: those that read the old ones go on with them. */
  renew(): void;
}

interface Entry {
  terms: KeyTerms;
  problem: string | null;
  number: number;
  users: number;
  versions: number[];
}

/** Sets given up that are kept in memory however few are in use. */
const GONE_MAX = 4096;

export function createKeySets(registries: Registries): KeySets {
  const sets = new Map<string, Entry>();
  const rule = createRuleMaker(registries);
  /** How many rules of sets have the version. */
  const versions = new Map<number, number>();
  let texts = createSharedTexts();
  let gone = 0;

  function compile(terms: KeyTerms): Entry {
    const { limits, quota, userQuota, websocket, problem, text } = terms;
    const entry: Entry = { terms, problem, number: 0, users: 0, versions: [] };
    if (text === '' || problem !== null) return entry;
    const made: number[] = [];
    try {
      const note = (one: RuleText): RuleText => {
        made.push(one.version);
        return one;
      };
      const messages = websocket?.messages_per_second ?? null;
      const written: KeySetText = {
        ...compileRules(limits, keyRanks, (...of) => note(rule(...of))),
        quota,
        userQuota,
        websocket: websocket && {
          connections: websocket.max_connections,
          subscriptions: websocket.max_subscriptions,
          ...(messages !== null && {
            messagesRule: messagesRuleOf(messages, (...of) => note(rule(...of))),
          }),
        },
      };
      entry.number = texts.put(JSON.stringify(written));
      entry.versions = made;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      entry.problem = error.message;
    }
    return entry;
  }

  return {
    get memory() {
      return texts.memory;
    },
    join(terms) {
      let entry = sets.get(terms.text);
      if (entry === undefined) {
        entry = compile(terms);
        sets.set(terms.text, entry);
        for (const version of entry.versions) versions.set(version, (versions.get(version) ?? 0) + 1);
      }
      entry.users += 1;
      return entry;
    },
    leave({ terms }) {
      const entry = sets.get(terms.text)!;
      entry.users -= 1;
      if (entry.users > 0) return;
      sets.delete(terms.text);
      if (entry.number > 0) gone += 1;
      for (const version of entry.versions) {
        const left = versions.get(version)! - 1;
        if (left === 0) versions.delete(version);
        else versions.set(version, left);
      }
    },
    names: (version) => versions.has(version),
    get due() {
      return gone > Math.max(GONE_MAX, sets.size);
    },
    renew() {
      const { memory } = texts;
      texts = createSharedTexts();
      gone = 0;
      for (const entry of sets.values())
        if (entry.number > 0) entry.number = texts.put(readSharedText(memory, entry.number));
    },
  };
}
