import { WINDOW } from './chain.ts';

/** What was told of a block's logs. */
export interface Told {
  /** Number of the step that the block came with: whoever was there before it was told. */
  readonly step: number;
  /** A JSON array of all logs that anybody was told of; null where it was too much to keep. */
  readonly logs: string | null;
}

/** The logs that were told, to be taken back in a reorg: of as many blocks as a fork is looked for, and so many bytes. */
export interface ToldLogs {
  /** @param texts each the JSON text of a log */
  put(hash: string, step: number, texts: readonly string[]): void;
  /** Takes it out; undefined: nothing was told of that block. */
  take(hash: string): Told | undefined;
  clear(): void;
  readonly size: number;
  /** Of the texts that are kept. */
  readonly bytes: number;
}

interface Kept {
  readonly step: number;
  logs: Buffer | null;
}

/** @param bytesMax the oldest texts are dropped beyond it */
export function createToldLogs(bytesMax: number): ToldLogs {
  const blocks = new Map<string, Kept>();
  let bytes = 0;

  function drop(kept: Kept): void {
    bytes -= kept.logs?.length ?? 0;
    kept.logs = null;
  }

  function remove(hash: string): void {
    const kept = blocks.get(hash);
    if (kept === undefined) return;
    drop(kept);
    blocks.delete(hash);
  }

  return {
    get size() {
      return blocks.size;
    },
    get bytes() {
      return bytes;
    },
    put(hash, step, texts) {
      remove(hash);
      const logs = ownBuffer(`[${texts.join(',')}]`);
      bytes += logs.length;
      blocks.set(hash, { step, logs });
      if (blocks.size > WINDOW) remove(blocks.keys().next().value!);
      for (const kept of blocks.values()) {
        if (bytes <= bytesMax) break;
        drop(kept);
      }
    },
    take(hash) {
      const kept = blocks.get(hash);
      if (kept === undefined) return undefined;
      const told = { step: kept.step, logs: kept.logs === null ? null : kept.logs.toString('utf8') };
      remove(hash);
      return told;
    },
    clear() {
      blocks.clear();
      bytes = 0;
    },
  };
}

/** Not of the pool, where a small text would keep others' memory. */
function ownBuffer(text: string): Buffer {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(text, 'utf8'));
  buffer.write(text, 'utf8');
  return buffer;
}
