import { formatAddress, maskAddress, parseAddress } from './address.ts';

/** A caller without a key, as buckets and people know it. */
export interface AddressCaller {
  /** What the bucket's tag is hashed from: the family (4 or 6), then the network's 4 or 16 bytes. */
  bytes: Uint8Array;
  /** `192.0.2.1`, or an IPv6 network such as `2001:db8::/64`. */
  text: string;
}

/**
 * The caller an address stands for: an IPv4 address itself, an IPv6 address with the network of `ipv6Prefix`
 * bits (1–128, 64 by default: what one household or host is given), since its owner has all of it. Undefined
 * if the text is no address.
 */
export function callerOfAddress(text: string, ipv6Prefix = 64): AddressCaller | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (address.family === 4) {
    const { w0 } = address;
    return { bytes: Uint8Array.of(4, w0 >>> 24, w0 >>> 16, w0 >>> 8, w0), text: formatAddress(address) };
  }
  const network = maskAddress(address, ipv6Prefix);
  const bytes = new Uint8Array(17);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 6);
  view.setUint32(1, network.w0);
  view.setUint32(5, network.w1);
  view.setUint32(9, network.w2);
  view.setUint32(13, network.w3);
  const text6 = formatAddress(network);
  return { bytes, text: ipv6Prefix === 128 ? text6 : `${text6}/${ipv6Prefix}` };
}
