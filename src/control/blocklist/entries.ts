import { networkText, overlaps } from '../../admission/index.ts';
import { type Config, networksIn } from '../../config/index.ts';
import { type Address, type Cidr, createPrefixTable, type PrefixTable } from '../../identity/index.ts';

/** An entry of the config's lists, and where it is written. */
export interface ListEntry {
  entry: string;
  /** `blocklist.deny[3]`, or `/etc/denied.txt:17`. */
  source: string;
}

/** The config's lists, to be asked which entry it was. */
export interface ListEntries {
  find(list: 'deny' | 'allow', address: Address): ListEntry | undefined;
  /** The narrowest that covers the whole network. */
  covering(list: 'deny' | 'allow', network: Cidr): ListEntry | undefined;
  readonly sizes: { deny: number; allow: number };
}

/** Takes as long as a reload does where there are very many entries. */
export function createListEntries(blocklist: Config['blocklist']): ListEntries {
  const listed = (list: 'deny' | 'allow'): { networks: Cidr[]; table: PrefixTable } => {
    const networks = networksIn(blocklist[list], blocklist[`${list}_files`]);
    return { networks, table: createPrefixTable(networks) };
  };
  const lists = { deny: listed('deny'), allow: listed('allow') };
  const entryAt = (list: 'deny' | 'allow', address: Address, index: number): ListEntry => ({
    entry: networkText(address, lists[list].table.bitsOf(index)),
    source: sourceOf(blocklist, list, index),
  });
  const size = (list: 'deny' | 'allow'): number =>
    blocklist[`${list}_files`].reduce((sum, { entries }) => sum + entries.length, blocklist[list].length);
  return {
    find(list, address) {
      const index = lists[list].table.find(address);
      return index < 0 ? undefined : entryAt(list, address, index);
    },
    covering(list, network) {
      const { networks, table } = lists[list];
      const { address } = network;
      let best = table.find(address);
      if (best < 0) return undefined;
      // The innermost may be narrower than what is asked about, and stand in one that is not.
      if (table.bitsOf(best) > network.bits) {
        best = -1;
        for (const [index, one] of networks.entries())
          if (one.bits <= network.bits && one.bits > (networks[best]?.bits ?? -1) && overlaps(one, network))
            best = index;
      }
      return best < 0 ? undefined : entryAt(list, address, best);
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
