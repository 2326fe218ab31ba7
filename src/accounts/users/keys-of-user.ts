import type { KeyRow, Tables } from '../../store/index.ts';

const PAGE = 1000;

/** All keys of a user that are not deleted. */
export async function keysOfUser(tables: Tables, userId: string): Promise<KeyRow[]> {
  const keys: KeyRow[] = [];
  for (;;) {
    const rows = await tables.keys.list({ userId, after: keys.at(-1)?.id, limit: PAGE });
    keys.push(...rows);
    if (rows.length < PAGE) return keys;
  }
}
