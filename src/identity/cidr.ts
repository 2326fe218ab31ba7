import { type Address, formatAddress, maskAddress, parseAddress } from './address.ts';

/** A network: the first `bits` bits of `address`, the rest of which are zero. */
export interface Cidr {
  readonly address: Address;
  /** 0–32 for IPv4, 0–128 for IPv6. */
  readonly bits: number;
}

/** `10.0.0.0/8`, `2001:db8::/32` or an address alone; undefined if `cidrProblem` has something to say. */
export function parseCidr(text: string): Cidr | undefined {
  const cidr = readCidr(text);
  return cidr !== undefined && isNetwork(cidr) ? cidr : undefined;
}

/**
 * Why the text is no network, in words for the operator; undefined if it is one. Bits set after the prefix
 * are refused, not cleared: `10.1.2.3/8` may be a mistake for `10.1.2.3`, and trusting a network by mistake
 * is a hole.
 */
export function cidrProblem(text: string): string | undefined {
  const cidr = readCidr(text);
  if (cidr === undefined) return 'not a network such as 10.0.0.0/8 or 2001:db8::/32, nor an IP address';
  if (isNetwork(cidr)) return undefined;
  const network = formatCidr({ ...cidr, address: maskAddress(cidr.address, cidr.bits) });
  return `has bits set after the prefix: did you mean ${network} or ${formatAddress(cidr.address)}?`;
}

/** The canonical text, always with the prefix length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.address)}/${cidr.bits}`;
}

function readCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  const bitsMax = address.family === 4 ? 32 : 128;
  if (slash < 0) return { address, bits: bitsMax };
  const bitsText = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bitsText)) return undefined;
  // A mapped network is written in IPv6's bits but means IPv4's.
  const bits = Number(bitsText) - (address.family === 4 && addressText.includes(':') ? 96 : 0);
  return bits >= 0 && bits <= bitsMax ? { address, bits } : undefined;
}

function isNetwork({ address, bits }: Cidr): boolean {
  const masked = maskAddress(address, bits);
  return (
    masked.w0 === address.w0 &&
    masked.w1 === address.w1 &&
    masked.w2 === address.w2 &&
    masked.w3 === address.w3
  );
}
