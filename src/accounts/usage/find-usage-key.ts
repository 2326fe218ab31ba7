import type { Tables } from '../../store/index.ts';
import { noKey } from '../../usage/index.ts';
import { findKey } from '../keys/find-key.ts';

/** The id of a key that may have usage: also of a deleted one, by id; `none` stands for calls without a key. */
export async function findUsageKey(tables: Tables, ref: string): Promise<string> {
  if (ref === 'none') return noKey;
  const key = await tables.keys.get(ref);
  return key?.id ?? (await findKey(tables, ref)).id;
}
