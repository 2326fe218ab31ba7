import { hash } from 'node:crypto';

/** Which calls `usage_logs` gets: none, a share of them, all. */
export interface RawSettings {
  mode: 'off' | 'sampled' | 'all';
  /** 0 to 1; of `sampled`. */
  share: number;
}

/**
 * How many of the `calls` of one record are kept, in the mean `share` of them. Made of the record's place in its segment alone:
 * whoever reads it again keeps as many.
 */
export type RawChoice = (frameAt: number, index: number, calls: number) => number;

export function rawChoice({ mode, share }: RawSettings, segment: string): RawChoice {
  if (mode === 'off') return () => 0;
  if (mode === 'all') return (_at, _index, calls) => calls;
  const seed = Number.parseInt(hash('sha256', segment, 'hex').slice(0, 8), 16);
  return (at, index, calls) =>
    Math.floor(calls * share + mixed(seed ^ Math.imul(at, 0x9e3779b1), index) / 2 ** 32);
}

/** 32 bits that look random (finaliser of MurmurHash3, Appleby). */
function mixed(seed: number, index: number): number {
  let h = (seed + Math.imul(index + 1, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
