import type { Tables } from '../store/index.ts';

/** Beyond so many keys, reading all of them anew is less work. */
const ONE_BY_ONE_MAX = 100;

/** Tells all gateways of changed keys, with the commit of the transaction whose tables these are. */
export async function announceKeys(tables: Tables, keyIds: readonly string[]): Promise<void> {
  if (keyIds.length > ONE_BY_ONE_MAX) await tables.announce('all');
  else for (const keyId of keyIds) await tables.announce({ keyId });
}
