import type { StoreOwner } from '../../store/index.ts';
import { isAlive } from '../owner-alive.ts';

/** A reconciliation or an invoice over a great store takes its time. */
const COMMAND_MS = 30_000;
/** For who has just taken the folder from one that died to put their own name there. */
const UNKNOWN_MS = 3_000;

/**
 * For how many milliseconds a gateway that starts waits for who holds its folder: for a command until it is done, for another
 * gateway not at all, since that one stays.
 */
export function patienceMs(owner: StoreOwner | undefined): number {
  if (owner?.role === 'command') return COMMAND_MS;
  return isAlive(owner) ? 0 : UNKNOWN_MS;
}
