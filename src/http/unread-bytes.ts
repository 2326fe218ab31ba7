const nothing = Buffer.alloc(0);

/** What a first unfinished head is given at once, so that one arriving in small pieces is not copied for each. */
const FIRST_BYTES = 1024;

/** Bytes of one connection that wait: a request not complete yet, or requests not to be served yet. */
export class UnreadBytes {
  length = 0;
  /** Bytes of the request they begin with, where its head was read; 0 where nothing is known of them. */
  expected = 0;
  private buffer: Buffer = nothing;

  /** Copies `bytes[from, to)` behind what is here. */
  keep(bytes: Buffer, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.buffer.length) {
      // Never ahead of what was sent by more than its double: an announced length is not memory yet.
      const roomy = Math.max(Math.min(this.expected, this.buffer.length * 2), FIRST_BYTES);
      const larger = Buffer.allocUnsafe(Math.max(length, roomy));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, this.length, from, to);
    this.length = length;
  }

  /** All of them; they are the caller's from now on. */
  take(): Buffer {
    const bytes = this.buffer.subarray(0, this.length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.buffer = nothing;
    this.length = 0;
    this.expected = 0;
  }
}
