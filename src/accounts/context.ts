import type { RandomBytes } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { Retention } from './usage/kept.ts';

/** What a verb needs of the world. */
export interface AccountsContext {
  store: Store;
  /** Epoch milliseconds. */
  now(): number;
  random: RandomBytes;
  /** Names of the config's groups of methods, which limits may name. */
  groups(): readonly string[];
  /** Names of the config's sinks; null: other gateways have others. */
  sinks(): readonly string[] | null;
  /** How long the ledger keeps sums, as the config says now: a month that began before is no whole one any more. */
  retention(): Retention;
  /** The usage journals on this machine, and for how many milliseconds one stays after all of it was applied; null: none is known. */
  journals: { folder: string; keepMs: number } | null;
}
