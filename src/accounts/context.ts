import type { RandomBytes } from '../identity/index.ts';
import type { Store } from '../store/index.ts';

/** What a verb needs of the world. */
export interface AccountsContext {
  store: Store;
  /** Epoch milliseconds. */
  now(): number;
  random: RandomBytes;
  /** Names of the config's groups of methods, which limits may name. */
  groups(): readonly string[];
  /** For how many milliseconds the store keeps sums by day: what is older is no whole month any more. */
  keepDaysMs(): number;
  /** The usage journals on this machine, and for how many milliseconds one stays after all of it was applied; null: none is known. */
  journals: { folder: string; keepMs: number } | null;
}
