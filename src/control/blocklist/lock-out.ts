import { overlaps, readPrefix } from '../../admission/index.ts';
import { type Address, type Cidr, formatAddress, parseAddress, parseCidr } from '../../identity/index.ts';

/** Whom a ban should not hit by mistake. */
export interface Dear {
  /** From where the admin listener was asked; undefined: it was not. */
  peer: string | undefined;
  /** Other addresses of the one who asks, such as their SSH client's. */
  from: readonly string[];
  trustedProxies: readonly string[];
  /** Whom no ban hits. */
  isAllowed(address: Address): boolean;
}

const loopback = ['127.0.0.0/8', '::1'].map((text) => parseCidr(text)!);

/** Why a ban of this network may lock out the one who sets it; undefined: it does not. */
export function lockOut(network: Cidr, { peer, from, trustedProxies, isAllowed }: Dear): string | undefined {
  if (network.bits === 0) return 'it holds every address of its kind';
  if (loopback.some((one) => overlaps(one, network)))
    return 'it holds loopback, from where this machine itself calls';
  const proxy = trustedProxies.find((text) => overlaps(readPrefix(text)!.network, network));
  if (proxy !== undefined) return `it holds the trusted proxy ${proxy}, and whoever it cannot name`;
  const own = [...(peer === undefined ? [] : [peer]), ...from]
    // A link-local peer has a zone.
    .map((text) => parseAddress(text.split('%')[0] ?? ''))
    .filter((address) => address !== undefined)
    .find((address) => !isAllowed(address) && overlaps(hostOf(address), network));
  return own && `it holds ${formatAddress(own)}, from where you ask`;
}

function hostOf(address: Address): Cidr {
  return { address, bits: address.family === 4 ? 32 : 128 };
}
