import { type Cidr, parseCidr } from '../identity/index.ts';

/** A file of addresses as it was read. Frozen; the same object for as long as the file's bytes are the same. */
export interface AddressFile {
  /** Absolute. */
  path: string;
  /** In CIDR form, in the file's order. */
  entries: readonly string[];
  /** Of each entry, from 1. */
  lines: readonly number[];
}

const networksByFile = new WeakMap<AddressFile, readonly Cidr[]>();

/** The entries as networks, as they were parsed once. */
export function networksOf(file: AddressFile): readonly Cidr[] {
  let networks = networksByFile.get(file);
  if (networks === undefined) {
    networks = file.entries.map((entry) => parseCidr(entry)!);
    networksByFile.set(file, networks);
  }
  return networks;
}

/** Of a file that was parsed just now. */
export function keepNetworks(file: AddressFile, networks: readonly Cidr[]): void {
  networksByFile.set(file, networks);
}
