import { blockAsked } from './node-errors.ts';

/** State of blocks further below the head is kept by archive nodes only: geth keeps that of 128 (`core/state/pruner`, "TriesInMemory"). */
const KEPT_BLOCKS = 128;
const MISSED_MAX = 256;
/** A node is taken to lack the state that it did not have for so long. */
export const MISSED_MS = 60_000;

/** Methods that read the state of the block they name; others read what nodes keep of every block. */
const ofState =
  /^(?:eth_(?:call|estimateGas|createAccessList|simulateV1|get(?:Balance|Code|StorageAt|TransactionCount|Proof))|trace_|debug_)/;

/** A block that is named otherwise: a small number is then something else. */
const otherwise = /"(?:latest|pending|safe|finalized|blockHash)"/;

/** The block a call asks about, where that is an old one; -1: it is not, or nobody knows. @param head the network's, -1 where unknown */
export function oldBlock(callText: string, head: number): number {
  if (otherwise.test(callText)) return -1;
  const asked = blockAsked(callText) ?? -1;
  return head >= 0 && asked >= head - KEPT_BLOCKS ? -1 : asked;
}

export function readsState(method: string): boolean {
  return ofState.test(method);
}

/** For which methods a node said that it has no state of old blocks, and up to which block. */
export class MissedStates {
  private readonly missed = new Map<string, { block: number; untilMs: number }>();

  get none(): boolean {
    return this.missed.size === 0;
  }

  learn(method: string, block: number, nowMs: number): void {
    const known = this.missed.get(method);
    const highest = known !== undefined && known.untilMs > nowMs ? Math.max(known.block, block) : block;
    // Names come from callers.
    if (known === undefined && this.missed.size >= MISSED_MAX) this.missed.clear();
    this.missed.set(method, { block: highest, untilMs: nowMs + MISSED_MS });
  }

  has(method: string, block: number, nowMs: number): boolean {
    const known = this.missed.get(method);
    if (known === undefined) return false;
    if (known.untilMs > nowMs) return block <= known.block;
    this.missed.delete(method);
    return false;
  }
}
