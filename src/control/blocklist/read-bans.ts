import type { BanRow, Store } from '../../store/index.ts';

const PAGE = 5000;

/** All bans that stand, and those that ended since. */
export async function readBans(store: Pick<Store, 'bans'>, endedSince: number): Promise<BanRow[]> {
  const rows: BanRow[] = [];
  for (let after = ''; ; ) {
    const page = await store.bans.list({ endedSince, after, limit: PAGE });
    rows.push(...page);
    if (page.length < PAGE) return rows;
    after = page.at(-1)!.prefix;
  }
}

/** Those of these prefixes, whether they stand or not. */
export async function readBansOf(store: Pick<Store, 'bans'>, prefixes: readonly string[]): Promise<BanRow[]> {
  const rows: BanRow[] = [];
  for (const prefix of prefixes) {
    const row = await store.bans.get(prefix);
    if (row !== null) rows.push(row);
  }
  return rows;
}
