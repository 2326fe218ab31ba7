import { type Address, formatAddress, parseAddress } from './address.ts';
import { parseCidr } from './cidr.ts';
import { type NextHop, readForwarded, readForwardedFor } from './forwarded.ts';
import { createPrefixTable } from './prefix-table.ts';

/** A chain of our own proxies is never this long; a caller's invented one may be. */
const hopsMax = 32;

/** Whose word is taken for whom they speak for. Immutable. */
export interface TrustedProxies {
  /**
   * Is this address, in canonical or other strict text, one of the trusted networks'? False for what is no
   * address.
   */
  trusts(address: string): boolean;
  /**
   * The caller's address in canonical text. The hops stand in the header from left to right, ours last; they
   * are walked from the right as long as the one reached is trusted, and the walk ends
   * - at the first that is not trusted: that is the caller;
   * - before one that cannot be read (an odd spelling, `unknown`, an obfuscated name), at the left end, or
   *   after 32: the last trusted one is the caller, since nobody trustworthy says who stands behind it.
   *
   * If both headers are there `X-Forwarded-For` alone is read, unless it is blank: nearly every proxy that
   * sets `Forwarded` sets it too. So each trusted proxy must append to, or drop, the `X-Forwarded-For` it
   * receives. A header's several lines are given joined with commas, in order. A peer that is no address (a
   * Unix socket) is returned as it is.
   */
  clientAddress(peer: string, forwardedFor: string | undefined, forwarded: string | undefined): string;
}

/**
 * `cidrs`: networks or addresses (`parseCidr`). Throws a RangeError on one that is neither: check them
 * before.
 */
export function createTrustedProxies(cidrs: readonly string[]): TrustedProxies {
  const table = createPrefixTable(
    cidrs.map((text) => {
      const cidr = parseCidr(text);
      if (cidr === undefined) throw new RangeError(`not a network: ${text}`);
      return cidr;
    }),
  );
  const trusted = (address: Address): boolean => table.find(address) >= 0;

  function walk(peer: Address, nextHop: NextHop): Address {
    let reached = peer;
    for (let hops = 0; hops < hopsMax && trusted(reached); hops += 1) {
      const hop = nextHop();
      if (hop === undefined || hop === null) return reached;
      reached = hop;
    }
    return reached;
  }

  return {
    trusts(text) {
      const address = parsePeer(text);
      return address !== undefined && trusted(address);
    },
    clientAddress(peer, forwardedFor, forwarded) {
      const address = parsePeer(peer);
      if (address === undefined) return peer;
      if (!trusted(address)) return formatAddress(address);
      if (forwardedFor !== undefined && /[^ \t,]/.test(forwardedFor)) {
        return formatAddress(walk(address, readForwardedFor(forwardedFor)));
      }
      return formatAddress(forwarded === undefined ? address : walk(address, readForwarded(forwarded)));
    },
  };
}

/**
 * A socket's own peer may carry the zone of a link-local address (`fe80::1%eth0`); nobody else's word may.
 */
function parsePeer(text: string): Address | undefined {
  const zone = text.indexOf('%');
  return parseAddress(zone > 0 && text.startsWith('fe80:') ? text.slice(0, zone) : text);
}
