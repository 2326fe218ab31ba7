import { configKeyId } from '../identity/index.ts';
import type { KeyConfig } from './config.ts';
import { type KeyTerms, termsOf } from './keys/terms.ts';
import type { QuotaPolicy } from './snapshot.ts';

/** What of a key alone follows, kept with it: a key that a reload did not change is not looked at again. */
export interface KeyFacts {
  sha256: Uint8Array;
  /** Its UUID. */
  id: Uint8Array;
  terms: KeyTerms;
  /** Of all that is said of it, for the config's hash. */
  text: string;
}

/** One map and not one for each fact: setting 10,000 entries takes 10 ms. */
const factsByKey = new WeakMap<KeyConfig, KeyFacts>();

export function factsOf(key: KeyConfig): KeyFacts {
  let facts = factsByKey.get(key);
  if (facts === undefined) {
    const terms = termsOf(key.limits, compileQuota(key), key.websocket);
    const text = `${key.name} ${key.digest} ${key.enabled} ${key.expires} ${terms.text}`;
    facts = { sha256: Buffer.from(key.digest, 'hex'), id: configKeyId(key.name), terms, text };
    factsByKey.set(key, facts);
  }
  return facts;
}

function compileQuota({ quota }: KeyConfig): QuotaPolicy | null {
  if (!quota) return null;
  const { requests, cost, period } = quota;
  const warnAt = [...new Set(quota.warn_at)].sort((a, b) => a - b);
  return requests === null
    ? { unit: 'cost', limit: cost ?? 0, period, warnAt }
    : { unit: 'requests', limit: requests, period, warnAt };
}
