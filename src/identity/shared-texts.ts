/**
 * Texts in memory that all threads share. One thread adds, any reads, and what was added never changes: a reader may be
 * told a text's number in any way that is later than the text, by a message or an atomic write.
 *
 * A text stands at 8 × its number: its length in bytes (u32), then UTF-8. Number 0 is no text's. Pages that were not
 * written cost no resident memory, so the memory may grow far.
 */
export interface SharedTexts {
  readonly memory: SharedArrayBuffer;
  /** Its number. Throws RangeError, and has changed nothing, where there is no room left. */
  put(text: string): number;
}

const UNIT = 8;
const LENGTH_BYTES = 4;
const FIRST_BYTES = 65_536;
const BYTES_MAX = 2 ** 29;

/** Empty memory that grows up to `bytesMax`, 64 KiB to the default of 512 MiB. */
export function createSharedTexts(bytesMax = BYTES_MAX): SharedTexts {
  const memory = new SharedArrayBuffer(FIRST_BYTES, { maxByteLength: bytesMax });
  let next = UNIT;

  function reserve(end: number): void {
    if (end <= memory.byteLength) return;
    if (end > bytesMax)
      throw new RangeError(`no room left for a set of limits: ${bytesMax} bytes are in use`);
    memory.grow(Math.min(bytesMax, Math.max(end, memory.byteLength * 2)));
  }

  return {
    memory,
    put(text) {
      const length = Buffer.byteLength(text);
      const from = next;
      const end = from + Math.ceil((LENGTH_BYTES + length) / UNIT) * UNIT;
      reserve(end);
      const bytes = Buffer.from(memory, from, LENGTH_BYTES + length);
      bytes.writeUInt32LE(length);
      bytes.write(text, LENGTH_BYTES);
      next = end;
      return from / UNIT;
    },
  };
}

/** The text of a number that `put` gave for this memory. */
export function readSharedText(memory: SharedArrayBuffer, number: number): string {
  const from = number * UNIT;
  const length = Buffer.from(memory, from, LENGTH_BYTES).readUInt32LE();
  return Buffer.from(memory, from + LENGTH_BYTES, length).toString();
}
