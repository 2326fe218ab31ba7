import type { KeyEntry } from '../../identity/index.ts';
import type { Config, KeyConfig } from '../config.ts';
import { factsOf } from '../key-facts.ts';
import type { Registries } from '../registries.ts';
import type { KeyTerms } from './terms.ts';

/** The distinct terms of a config's keys, but for the empty ones. */
export function termsOfKeys(keys: readonly KeyConfig[]): KeyTerms[] {
  const distinct = new Map<string, KeyTerms>();
  for (const key of keys) {
    const { terms } = factsOf(key);
    if (terms.text !== '') distinct.set(terms.text, terms);
  }
  return [...distinct.values()];
}

/** The number of each key, for keys that have none yet too. Throws RangeError where a quota finds no slot. */
export function numberKeys({ keys }: Config, { keys: numbers }: Registries): number[] {
  return keys.map(({ name, quota }) => {
    const number = numbers.numberOf(name, quota !== null);
    if (number < 0)
      throw new RangeError('no slot left for a key’s quota: raise limits.quota_slots and restart');
    return number;
  });
}

export function entryOfConfig(key: KeyConfig, keyNumber: number, ruleSet: number): KeyEntry {
  const facts = factsOf(key);
  return {
    sha256: facts.sha256,
    id: facts.id,
    keyNumber,
    ruleSet,
    enabled: key.enabled,
    expiresAtMs: key.expires,
    prefix: key.prefix,
    quota: key.quota !== null,
    userSlot: -1,
  };
}
