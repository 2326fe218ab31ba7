import { AccountsError } from '../../accounts/index.ts';
import type { Ban } from '../../admission/index.ts';
import type { Address } from '../../identity/index.ts';
import type { BanRow } from '../../store/index.ts';

/** A ban that somebody sets. */
export interface BanDraft {
  prefix: string;
  reason: string;
  by: string;
  /** Epoch milliseconds; null: until it is lifted. */
  until: number | null;
}

/** What became of a ban; `kept`: it is in the store, and outlives the gateway. */
export interface BanOutcome {
  ban: Ban;
  kept: boolean;
}

/** Bans, and who is let in whatever bans them, wherever they are: in a running gateway, or in its store while none runs. */
export interface Bans {
  all(): Promise<Ban[]>;
  /** The most specific one that holds the address; with `bitsMax` of those that are no narrower. */
  holding(address: Address, bitsMax?: number): Promise<Ban | undefined>;
  /** The same of those that are allowed: with `allowMark` before their prefix. */
  allowing(address: Address, bitsMax?: number): Promise<Ban | undefined>;
  /** In place of one of the same prefix. Rejects with AccountsError: `refused` where there are as many as there may be, `conflict` where another came before it. */
  add(draft: BanDraft): Promise<BanOutcome>;
  /** undefined: there is none of that prefix. */
  lift(prefix: string, by: string): Promise<BanOutcome | undefined>;
}

/** What {@link Bans.add} rejects with where there is no room. */
export function fullError(count: number): AccountsError {
  return new AccountsError(
    'refused',
    `There are ${count} bans, as many as blocklist.max_bans lets there be: lift some, or raise it and start anew`,
  );
}

/** What {@link Bans.add} rejects with where another instance had a later word. */
export function meanwhileError(prefix: string): AccountsError {
  return new AccountsError('conflict', `Another ban of ${prefix} was made or lifted meanwhile: try again`);
}

/** A change on its way to the store. */
export type BanChange =
  | { kind: 'put'; ban: BanRow }
  | { kind: 'end'; prefix: string; beganAt: number; endedAt: number };

/** A repeat is counted for as long after a ban's end where `auto_ban` does not say. Milliseconds. */
export const repeatMs = 86_400_000;

export function rowOf({ prefix, reason, by, times, beganAt, until }: Ban): BanRow {
  return { prefix, reason, by, times, beganAt, until, endedAt: null };
}

export function banOf({ prefix, reason, by, times, beganAt, until }: BanRow): Ban {
  return { prefix, reason, by, times, beganAt, until, simulated: false };
}
