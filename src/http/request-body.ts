const nothing = Buffer.alloc(0);
const FIRST_BYTES = 4096;

/**
 * A request's body as it comes in, in one buffer that at most doubles what came: chunks of one byte each would, kept
 * as they are, take a hundred times their size.
 */
export class RequestBody {
  length = 0;
  private buffer: Buffer = nothing;

  /** Keeps `chunk`, which is the caller's to give away. */
  add(chunk: Buffer): void {
    if (this.length === 0) this.buffer = chunk;
    else {
      const length = this.length + chunk.length;
      if (length > this.buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.length, FIRST_BYTES));
        this.buffer.copy(larger, 0, 0, this.length);
        this.buffer = larger;
      }
      chunk.copy(this.buffer, this.length);
    }
    this.length += chunk.length;
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.buffer = nothing;
    this.length = 0;
  }
}
