import type { BucketTable, NewBucket } from './bucket-table.ts';
import type { Chain } from '../chain.ts';

/** Puts the bucket of a chain's link into the table as it was decided. The other links' entries stay. */
export type LinkInsert = (chain: Chain, link: number, state: number, nowMicros: number) => void;

/** One object is reused for all that are put in. */
export function createLinkInsert(table: Pick<BucketTable, 'insert'>): LinkInsert {
  const fresh: NewBucket = { tagLo: 0, tagHi: 0, version: 0, level: 0, last: 0, state: 0 };
  return (chain, link, state, nowMicros) => {
    fresh.tagLo = chain.tagLo[link]!;
    fresh.tagHi = chain.tagHi[link]!;
    fresh.version = chain.versions[link]!;
    fresh.level = chain.levels[link]!;
    fresh.last = chain.lasts[link]!;
    fresh.state = state;
    chain.entries[link] = table.insert(fresh, nowMicros, chain.entries, chain.links);
  };
}
