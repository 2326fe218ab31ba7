import { type Cidr, parseCidr, sharePrefixTable } from '../identity/index.ts';
import { type AddressFile, networksOf } from './address-file.ts';
import type { Config } from './config.ts';
import type { BlocklistPolicy } from './snapshot.ts';

type Lists = Pick<BlocklistPolicy, 'allow' | 'deny'>;

/** A policy is compiled anew also where stored keys change: the lists' tables are laid out once for each config. */
const tables = new WeakMap<Config['blocklist'], Lists>();

export function compileBlocklist({ blocklist }: Config): BlocklistPolicy {
  let lists = tables.get(blocklist);
  if (lists === undefined) {
    lists = {
      allow: sharePrefixTable(networksIn(blocklist.allow, blocklist.allow_files)),
      deny: sharePrefixTable(networksIn(blocklist.deny, blocklist.deny_files)),
    };
    tables.set(blocklist, lists);
  }
  return {
    mode: blocklist.mode,
    closeConnections: blocklist.close_connections,
    ...lists,
    weights: blocklist.auto_ban && { ...blocklist.auto_ban.weights },
  };
}

/** Those of the config first, then the files', in their order. */
export function networksIn(written: readonly string[], files: readonly AddressFile[]): Cidr[] {
  const networks = written.map((text) => parseCidr(text)!);
  for (const file of files) for (const network of networksOf(file)) networks.push(network);
  return networks;
}
