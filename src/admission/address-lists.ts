import { type Address, type Cidr, formatAddress, maskAddress, openPrefixTable } from '../identity/index.ts';

/** What the config says of addresses. Immutable, as the policy that it is part of. */
export interface AddressLists {
  /** Never refused or banned, whatever else says so. */
  allows(address: Address): boolean;
  /** Whether the allow-list names every address of the network. */
  allowsAll(network: Cidr): boolean;
  /** The denied network that holds it, as text; undefined: none does. */
  denied(address: Address): string | undefined;
}

/** `allow`, `deny`: memory of prefix tables. */
export function openAddressLists({
  allow,
  deny,
}: {
  allow: SharedArrayBuffer;
  deny: SharedArrayBuffer;
}): AddressLists {
  const [allowed, refused] = [openPrefixTable(allow), openPrefixTable(deny)];
  return {
    allows: (address) => allowed.find(address) >= 0,
    allowsAll: allowed.holdsAll,
    denied(address) {
      const index = refused.find(address);
      return index < 0 ? undefined : networkText(address, refused.bitsOf(index));
    },
  };
}

/** The network of so many bits that the address is in: `203.0.113.0/24`, or the address where it is one alone. */
export function networkText(address: Address, bits: number): string {
  const text = formatAddress(maskAddress(address, bits));
  return bits === (address.family === 4 ? 32 : 128) ? text : `${text}/${bits}`;
}
