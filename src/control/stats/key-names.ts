import type { Config } from '../../config/index.ts';
import { configKeyId, uuidText } from '../../identity/index.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';

/** What people know of a key. */
export interface KeyName {
  id: string;
  name: string;
  prefix: string;
}

/** The keys there are, of the config and the store, as they are named. */
export interface KeyNames {
  byId(id: string): KeyName | undefined;
  /** By name or prefix. A walk over all keys: not for the hot path. */
  find(ref: string): KeyName[];
}

export function createKeyNames(policy: Pick<PolicyKeeper, 'config' | 'stored'>): KeyNames {
  let of: Config | undefined;
  let ids = new Map<string, KeyName>();
  /** Made when somebody asks, once a config. */
  const configKeys = (): Map<string, KeyName> => {
    if (of === policy.config) return ids;
    of = policy.config;
    ids = new Map();
    for (const { name, prefix } of of.keys) {
      const id = uuidText(configKeyId(name));
      ids.set(id, { id, name, prefix });
    }
    return ids;
  };
  return {
    byId: (id) => configKeys().get(id) ?? policy.stored.stored(id),
    find(ref) {
      const found: KeyName[] = [...configKeys().values()].filter(
        ({ name, prefix }) => name === ref || prefix === ref,
      );
      for (const id of policy.stored.storedIds()) {
        const key = policy.stored.stored(id);
        if (key !== undefined && (key.name === ref || key.prefix === ref)) found.push(key);
      }
      return found;
    },
  };
}
