/**
 * 64 bits of a seeded hash as two words, in `out[0]` and `out[1]`. Into an Int32Array they are small integers,
 * which cost nothing to pass on; of a Uint32Array's words every other one is a boxed double.
 */
export type Hash64 = (bytes: Uint8Array, from: number, to: number, out: Uint32Array | Int32Array) => void;

/**
 * HalfSipHash-1-3 with 64 bits of output (J.-P. Aumasson, github.com/veorq/SipHash), over `bytes[from, to)`.
 * The state starts from four seed words instead of two; a seed whose last two words are zero gives HalfSipHash
 * proper. Seeded, since attackers choose addresses and would choose collisions.
 */
export function createHash64(seed: Uint32Array): Hash64 {
  const k0 = seed[0]! | 0;
  const k1 = seed[1]! | 0;
  const k2 = (seed[2]! ^ 0x6c796765) | 0;
  const k3 = (seed[3]! ^ 0x74656462) | 0;

  return (bytes, from, to, out) => {
    let v0 = k0;
    let v1 = k1 ^ 0xee;
    let v2 = k2 ^ k0;
    let v3 = k3 ^ k1;

    const length = to - from;
    const wordsEnd = from + (length & ~3);
    for (let at = from; at <= wordsEnd; at += 4) {
      const word = at < wordsEnd ? wordAt(bytes, at) : tailWord(bytes, at, to, length);
      v3 ^= word;
      // One round: writing it out keeps the state in registers; a round over an array took 3 × as long.
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }

    v2 ^= 0xee;
    for (let round = 0; round < 6; round++) {
      if (round === 3) {
        out[0] = v1 ^ v3;
        v1 ^= 0xdd;
      }
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    out[1] = v1 ^ v3;
  };
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The last 0 to 3 bytes, under the length's low byte. */
function tailWord(bytes: Uint8Array, at: number, to: number, length: number): number {
  let word = length << 24;
  for (let i = at; i < to; i++) word |= bytes[i]! << (8 * (i - at));
  return word;
}
