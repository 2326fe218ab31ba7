import type { ByteStore } from './byte-store.ts';

/** The fault of a body over its bound. */
export const OVERSIZED = 'oversized';

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

/** Bytes of one chunk's size line or of one trailer line, without CRLF. */
const LINE_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 4096;
/** Framing may not outweigh what it frames: this much, and as many times the body's own bytes. */
const FRAMING_BYTES_FREE = 4096;
const FRAMING_PER_BYTE = 16;

const SIZE = 0;
const SIZE_LF = 1;
const DATA = 2;
const DATA_CR = 3;
const DATA_LF = 4;
const TRAILER = 5;
const TRAILER_LF = 6;
const DONE = 7;
const FAILED = 8;

const hex = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  hex[digit.toString(16).charCodeAt(0)] = digit;
  hex[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/**
 * A chunked body as it arrives (RFC 9112, 7.1). Strict CRLF; extensions and trailers are read over, and
 * bounded in length and in number.
 */
export class ChunkedBody {
  fault = '';
  private state = SIZE;
  /** Size of the present chunk, then what is left of it; -1 before the first digit. */
  private left = -1;
  private extension = false;
  private lineBytes = 0;
  private trailerBytes = 0;
  private framingBytes = 0;
  private bodyBytes = 0;
  private bodyBytesMax = 0;

  get done(): boolean {
    return this.state === DONE;
  }

  begin(bodyBytesMax: number): void {
    this.fault = '';
    this.state = SIZE;
    this.left = -1;
    this.extension = false;
    this.lineBytes = 0;
    this.trailerBytes = 0;
    this.framingBytes = 0;
    this.bodyBytes = 0;
    this.bodyBytesMax = bodyBytesMax;
  }

  /** Adds what it decodes to `into`; returns the offset after the last byte read, or -1 with `fault` set. */
  read(bytes: Buffer, from: number, to: number, into: ByteStore): number {
    let at = from;
    while (at < to && this.state < DONE) {
      if (this.state === DATA) {
        const taken = Math.min(this.left, to - at);
        into.append(bytes, at, at + taken);
        at += taken;
        this.left -= taken;
        if (this.left === 0) this.state = DATA_CR;
      } else {
        this.frame(bytes[at]!);
        at++;
      }
    }
    return this.state === FAILED ? -1 : at;
  }

  private frame(byte: number): void {
    if (++this.framingBytes > FRAMING_BYTES_FREE + this.bodyBytes * FRAMING_PER_BYTE) {
      return this.fail('more chunk framing than body');
    }
    switch (this.state) {
      case SIZE:
        return this.sizeByte(byte);
      case SIZE_LF:
        return byte === LF ? this.sizeRead() : this.fail('malformed chunk');
      case DATA_CR:
        return byte === CR ? this.enter(DATA_LF) : this.fail('malformed chunk');
      case DATA_LF:
        this.left = -1;
        return byte === LF ? this.enter(SIZE) : this.fail('malformed chunk');
      case TRAILER:
        return this.trailerByte(byte);
      default:
        if (byte !== LF) return this.fail('malformed trailer');
        return this.enter(this.lineBytes === 0 ? DONE : TRAILER);
    }
  }

  private sizeByte(byte: number): void {
    if (byte === CR && this.left >= 0) return this.enter(SIZE_LF);
    if (++this.lineBytes > LINE_BYTES_MAX) return this.fail('chunk extension too long');
    if (this.extension) {
      if (!isText(byte)) this.fail('malformed chunk extension');
      return;
    }
    const digit = hex[byte]!;
    if (digit < 0) {
      if (byte !== SEMICOLON || this.left < 0) return this.fail('malformed chunk size');
      this.extension = true;
      return;
    }
    if (this.lineBytes > 8) return this.fail('malformed chunk size');
    this.left = Math.max(this.left, 0) * 16 + digit;
  }

  private sizeRead(): void {
    this.extension = false;
    if (this.left === 0) return this.enter(TRAILER);
    this.bodyBytes += this.left;
    if (this.bodyBytes > this.bodyBytesMax) return this.fail(OVERSIZED);
    this.enter(DATA);
  }

  private trailerByte(byte: number): void {
    if (byte === CR) {
      this.state = TRAILER_LF;
      return;
    }
    this.lineBytes++;
    if (++this.trailerBytes > TRAILER_BYTES_MAX) return this.fail('trailer too long');
    if (!isText(byte)) this.fail('malformed trailer');
  }

  private enter(state: number): void {
    this.state = state;
    if (state !== SIZE_LF) this.lineBytes = 0;
  }

  private fail(fault: string): void {
    this.fault = fault;
    this.state = FAILED;
  }
}

function isText(byte: number): boolean {
  return (byte >= 32 && byte !== 127) || byte === 9;
}

/**
 * End of a body that came as one chunk and nothing more, all of it at hand: the usual answer of many
 * nodes, read without copying. Returns the offset of the body's end, or -1 if it is anything else. The
 * body starts after the first line break.
 */
export function endOfSingleChunk(bytes: Uint8Array, from: number, to: number, bodyBytesMax: number): number {
  let at = from;
  let size = 0;
  while (at < to && at - from < 8 && hex[bytes[at]!]! >= 0) size = size * 16 + hex[bytes[at++]!]!;
  if (at === from || size === 0 || size > bodyBytesMax) return -1;
  const end = at + 2 + size;
  if (end + 7 > to || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
  const terminated =
    bytes[end] === CR &&
    bytes[end + 1] === LF &&
    bytes[end + 2] === 48 &&
    bytes[end + 3] === CR &&
    bytes[end + 4] === LF &&
    bytes[end + 5] === CR &&
    bytes[end + 6] === LF;
  return terminated ? end : -1;
}
