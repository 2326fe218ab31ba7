import { type Cidr, parseCidr, sharePrefixTable } from '../identity/index.ts';
import { type AddressFile, networksOf } from './address-file.ts';
import type { Config } from './config.ts';
import type { BlocklistPolicy } from './snapshot.ts';

/** By the first file of a list: a table is laid out anew only where the list has changed, since many files are large. */
const tables = new WeakMap<
  AddressFile,
  { written: string; files: readonly AddressFile[]; memory: SharedArrayBuffer }
>();

export function compileBlocklist({ blocklist }: Config): BlocklistPolicy {
  return {
    mode: blocklist.mode,
    closeConnections: blocklist.close_connections,
    allow: tableOf(blocklist.allow, blocklist.allow_files),
    deny: tableOf(blocklist.deny, blocklist.deny_files),
    weights: blocklist.auto_ban && { ...blocklist.auto_ban.weights },
  };
}

function tableOf(list: readonly string[], files: readonly AddressFile[]): SharedArrayBuffer {
  const written = list.join();
  const [first] = files;
  const known = first && tables.get(first);
  if (
    known?.written === written &&
    known.files.length === files.length &&
    known.files.every((file, i) => file === files[i])
  )
    return known.memory;
  const memory = sharePrefixTable(networksIn(list, files));
  if (first !== undefined) tables.set(first, { written, files, memory });
  return memory;
}

/** Those of the config first, then the files', in their order. */
export function networksIn(written: readonly string[], files: readonly AddressFile[]): Cidr[] {
  const networks = written.map((text) => parseCidr(text)!);
  for (const file of files) for (const network of networksOf(file)) networks.push(network);
  return networks;
}
