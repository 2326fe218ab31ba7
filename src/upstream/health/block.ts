/** A block's place in its chain. Hashes in lower case. */
export interface Block {
  number: number;
  hash: string;
  parentHash: string;
}

/** A quantity as nodes write it (`0x1b4`), at most 2^52 - 1; undefined for anything else. */
export function quantity(value: unknown): number | undefined {
  return typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : undefined;
}

/** null: the node says there is no such block; undefined: this is no block. */
export function blockOf(value: unknown): Block | null | undefined {
  if (value === null) return null;
  if (typeof value !== 'object') return undefined;
  const { number, hash, parentHash } = value as Record<string, unknown>;
  const height = quantity(number);
  if (height === undefined || !isHash(hash) || !isHash(parentHash)) return undefined;
  return { number: height, hash: hash.toLowerCase(), parentHash: parentHash.toLowerCase() };
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value);
}
