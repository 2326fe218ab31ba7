import type { StoredKey } from '../../config/index.ts';

/** Could it be a key? A row that somebody wrote by hand may hold anything. */
export function isStoredKey({ sha256, prefix, previous }: StoredKey): boolean {
  return isHash(sha256) && /^[\x21-\x7e]{8}$/.test(prefix) && (previous === null || isHash(previous.sha256));
}

function isHash(text: string): boolean {
  return text.length === 64 && /^[0-9a-f]{64}$/.test(text);
}
