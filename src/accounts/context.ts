import type { RandomBytes } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { JournalSource } from './reconcile/journal-source.ts';

/** What a verb needs of the world. */
export interface AccountsContext {
  store: Store;
  /** Epoch milliseconds. */
  now(): number;
  random: RandomBytes;
  /** Names of the config's groups of methods, which limits may name. */
  groups(): readonly string[];
  /** The folder of the usage journals on this machine; null: none is known. */
  journals: JournalSource | null;
}
