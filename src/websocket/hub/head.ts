/** A block as subscribers are told of it. Hashes and bloom in lower case. */
export interface Head {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  /** 512 hex digits with `0x`; '' where there is none, or one that is all zero, as some chains have it: any log may be in it. */
  readonly bloom: string;
  /** The JSON text of its notification. */
  readonly text: string;
}

/** What a block has over the header that a notification shows. */
const beyondHeader = new Set(['transactions', 'uncles', 'withdrawals', 'size', 'totalDifficulty']);

/**
 * Reads a header or a block; undefined if it is none (a pending block has no hash).
 *
 * @param text of the header as its node wrote it; without it, the text is made in the form of a header
 */
export function readHead(value: unknown, text?: string): Head | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { number, hash, parentHash, logsBloom } = value as Record<string, unknown>;
  if (!isQuantity(number) || !isHash(hash) || !isHash(parentHash)) return undefined;
  return {
    number: Number(number),
    hash: hash.toLowerCase(),
    parentHash: parentHash.toLowerCase(),
    bloom: isBloom(logsBloom) ? logsBloom.toLowerCase() : '',
    text: text ?? headerText(value),
  };
}

function headerText(block: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(block).filter(([name]) => !beyondHeader.has(name))),
  );
}

function isBloom(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{512}$/i.test(value) && !/^0x0+$/.test(value);
}

/** Up to 2^52 - 1, as nodes write quantities. */
export function isQuantity(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value);
}

export function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value);
}
