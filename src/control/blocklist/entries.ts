import { networkText } from '../../admission/index.ts';
import { type Config, networksIn } from '../../config/index.ts';
import { type Address, createPrefixTable, type PrefixTable } from '../../identity/index.ts';

/** An entry of the config's lists, and where it is written. */
export interface ListEntry {
  entry: string;
  /** `blocklist.deny[3]`, or `/etc/denied.txt:17`. */
  source: string;
}

/** The config's lists, to be asked which entry it was. */
export interface ListEntries {
  find(list: 'deny' | 'allow', address: Address): ListEntry | undefined;
  readonly sizes: { deny: number; allow: number };
}

/** Takes as long as a reload does where there are very many entries. */
export function createListEntries(blocklist: Config['blocklist']): ListEntries {
  const tableOf = (list: 'deny' | 'allow'): PrefixTable =>
    createPrefixTable(networksIn(blocklist[list], blocklist[`${list}_files`]));
  const tables = { deny: tableOf('deny'), allow: tableOf('allow') };
  const size = (list: 'deny' | 'allow'): number =>
    blocklist[`${list}_files`].reduce((sum, { entries }) => sum + entries.length, blocklist[list].length);
  return {
    find(list, address) {
      const index = tables[list].find(address);
      if (index < 0) return undefined;
      const entry = networkText(address, tables[list].bitsOf(index));
      return { entry, source: sourceOf(blocklist, list, index) };
    },
    sizes: { deny: size('deny'), allow: size('allow') },
  };
}

function sourceOf(blocklist: Config['blocklist'], list: 'deny' | 'allow', index: number): string {
  let at = index - blocklist[list].length;
  if (at < 0) return `blocklist.${list}[${index}]`;
  for (const { path, lines } of blocklist[`${list}_files`]) {
    if (at < lines.length) return `${path}:${lines[at]}`;
    at -= lines.length;
  }
  return `blocklist.${list}_files`;
}
