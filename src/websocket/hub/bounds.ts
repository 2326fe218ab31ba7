/** What the hub keeps, and for how long. */
export interface HubBounds {
  /** Milliseconds that an upstream's socket and the chain are kept after the last listener left: it may come again at once. */
  lingerMs: number;
  /** Bytes of logs a network remembers, to take them back in a reorg; older ones are read again where they are needed. */
  logBytes: number;
  /** Blocks of a filled gap that are told in one turn of the event loop. */
  blocksATurn: number;
}

export const hubBounds: HubBounds = { lingerMs: 5000, logBytes: 32 * 1024 * 1024, blocksATurn: 50 };
