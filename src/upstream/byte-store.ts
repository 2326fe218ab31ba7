/** Kept between two answers; a larger one is given back. */
const KEPT_BYTES = 64 * 1024;
const nothing = Buffer.alloc(0);

/** Collects the bytes of an answer that came in more than one read. Grows with what arrived, not with what was announced. */
export class ByteStore {
  bytes = nothing;
  length = 0;

  append(source: Buffer, from: number, to: number): void {
    const needed = this.length + to - from;
    if (needed > this.bytes.length) this.grow(needed);
    source.copy(this.bytes, this.length, from, to);
    this.length = needed;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = nothing;
  }

  private grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2, 4096));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
