import { setTimeout as delay } from 'node:timers/promises';
import { lockStateFolder, type StateFolder, StoreError } from '../../store/index.ts';
import { patienceMs } from './folder-patience.ts';

const LOCKED_MS = 100;

export interface HoldOptions {
  epochMs(): number;
  /** It waits for who has the folder. */
  onWait(reason: string): void;
  signal: AbortSignal;
}

/**
 * Takes a gateway's folder for the life of its process, once a command that may have it is done. In main: a store thread that dies would let go of it,
 * and whoever took it then would take the journals of living workers for those of dead ones. Rejects with StoreError.
 */
export async function holdFolder(
  folder: string,
  { epochMs, onWait, signal }: HoldOptions,
): Promise<StateFolder> {
  const began = performance.now();
  for (let tries = 0; ; tries += 1) {
    try {
      return await lockStateFolder(folder, epochMs);
    } catch (error) {
      const waits = error instanceof StoreError && error.code === 'locked' && !signal.aborted;
      if (!waits || performance.now() - began >= patienceMs(error.owner)) throw error;
      if (tries === 0) onWait(error.message);
      await delay(LOCKED_MS);
    }
  }
}
