import { isUtf8 } from 'node:buffer';

/** Offset into `bytes` of the first byte that breaks UTF-8, or -1. */
export function utf8FaultAt(bytes: Uint8Array, from: number, to: number): number {
  return isUtf8(bytes.subarray(from, to)) ? -1 : firstFault(bytes, from, to);
}

function firstFault(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const size = sequenceSize(bytes[at] as number);
    if (size === 0 || at + size > to || !isUtf8(bytes.subarray(at, at + size))) return at;
    at += size;
  }
  return -1;
}

/** Bytes of the sequence a first byte announces; 0 if it may not be first. */
function sequenceSize(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}
