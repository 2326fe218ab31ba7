import { BlockList, isIP } from 'node:net';

/** Decides whether a `Host` header may be answered on a connection that reached `localAddress`. */
export type HostCheck = (host: string | undefined, localAddress: string | undefined) => boolean;

export interface HostCheckOptions {
  /** The host part of `admin.listen`, as configured: a name or an address, possibly a wildcard. */
  listenHost: string;
  /** `admin.allowed_hosts`: further names or addresses, without a port. */
  allowedHosts: readonly string[];
}

const unspecified = new Set(['0.0.0.0', '::']);
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** True for 127.0.0.0/8, ::1, their IPv4-mapped forms, `localhost` and names below it (RFC 6761 section 6.3). */
export function isLoopbackHost(host: string): boolean {
  const name = canonicalHost(host);
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isLoopbackAddress(name);
}

/** The same for addresses only. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Against DNS rebinding: a page whose name was made to point here sends its own name as `Host`, so a name is answered
 * only when the operator gave it (`admin.listen`, `admin.allowed_hosts`), and `localhost` and loopback addresses, which
 * nobody else can claim. Another address cannot be rebound either, and is what probes send to a listener on a wildcard;
 * over loopback there is no honest use of one. A missing, empty or malformed host never passes.
 */
export function createHostCheck(options: HostCheckOptions): HostCheck {
  const named = new Set([options.listenHost, ...options.allowedHosts].map(canonicalHost));
  for (const wildcard of unspecified) named.delete(wildcard);
  return (header, localAddress) => {
    const host = header === undefined ? undefined : hostOf(header);
    if (host === undefined) return false;
    if (named.has(host)) return true;
    if (isLoopbackHost(host)) return true;
    return (
      isIP(host) !== 0 && !unspecified.has(host) && !isLoopbackAddress(canonicalHost(localAddress ?? ''))
    );
  };
}

/** The host of a `Host` header in lower case, without port and brackets; undefined if it is no host. */
function hostOf(header: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(header);
  if (match === null) return undefined;
  const bracketed = match[1];
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  const host = canonicalHost(bracketed ?? match[2] ?? '');
  return host === '' ? undefined : host;
}

/** Lower case, no brackets, no final dot, IPv6 in its shortest form, IPv4-mapped IPv6 as IPv4. */
function canonicalHost(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  if (isIP(bare) !== 6) return bare;
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const high = Number.parseInt(mapped[1] ?? '0', 16);
  const low = Number.parseInt(mapped[2] ?? '0', 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
