import type { Registries } from '../registries.ts';
import type { QuotaPolicy } from '../snapshot.ts';
import { type StoredKey, userQuotaName } from './stored-key.ts';

/** Slots that quotas of users are counted in, each for as long as a key of the user counts in it. */
export interface UserSlots {
  /** The slot of the key's user; -1: there is no such quota. undefined: no slot is left. */
  of(key: StoredKey): number | undefined;
  /** The key counts in its user's slot from now on. */
  join(key: StoredKey): void;
  leave(key: StoredKey): void;
}

export function createUserSlots(
  { keys: numbers }: Pick<Registries, 'keys'>,
  onQuota: (slot: number, name: string, quota: QuotaPolicy | null) => void,
): UserSlots {
  /** Keys by name of the slot. */
  const members = new Map<string, number>();
  return {
    of(key) {
      const name = userQuotaName(key);
      if (name === null) return -1;
      const slot = numbers.numberOf(name, true);
      if (slot < 0) return undefined;
      onQuota(slot, name, key.terms.userQuota);
      return slot;
    },
    join(key) {
      const name = userQuotaName(key);
      if (name !== null) members.set(name, (members.get(name) ?? 0) + 1);
    },
    leave(key) {
      const name = userQuotaName(key);
      if (name === null) return;
      const left = members.get(name)! - 1;
      members.set(name, left);
      if (left > 0) return;
      members.delete(name);
      onQuota(numbers.find(name)!, name, null);
      numbers.release(name);
    },
  };
}
