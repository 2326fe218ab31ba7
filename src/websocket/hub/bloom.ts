import { keccak_256 } from '@noble/hashes/sha3.js';

const BLOOM_BYTES = 256;

/** The three bits that an address or topic sets in a bloom filter; byte offsets and masks. Source: Yellow Paper, 4.4.3. */
export interface BloomBits {
  readonly bytes: readonly number[];
  readonly masks: readonly number[];
}

/** @param hex of an address or topic, with `0x` */
export function bloomBits(hex: string): BloomBits {
  const digest = keccak_256(Buffer.from(hex.slice(2), 'hex'));
  const bits = [0, 2, 4].map((at) => ((digest[at]! << 8) | digest[at + 1]!) & 0x7ff);
  return {
    bytes: bits.map((bit) => BLOOM_BYTES - 1 - (bit >>> 3)),
    masks: bits.map((bit) => 1 << (bit & 7)),
  };
}

/** False: what set `bits` is surely not in it. */
export function mayHold(bloom: Uint8Array, { bytes, masks }: BloomBits): boolean {
  return bytes.every((at, k) => (bloom[at]! & masks[k]!) !== 0);
}

/** @param hex as in a head; '' gives one that may hold anything */
export function readBloom(hex: string): Uint8Array {
  return hex === '' ? new Uint8Array(BLOOM_BYTES).fill(0xff) : Buffer.from(hex.slice(2), 'hex');
}
