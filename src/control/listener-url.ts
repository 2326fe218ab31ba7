import { isIP } from 'node:net';
import { formatListen, isWildcard, type ListenAddress } from '../config/index.ts';

/** Where a listener listens, as a URL. */
export function listenerUrl(scheme: 'http' | 'https', address: ListenAddress): string {
  return `${scheme}://${formatListen(address)}`;
}

/** Where this machine reaches it: over loopback where it listens on all addresses, since a wildcard names none. */
export function ownUrl(scheme: 'http' | 'https', { host, port }: ListenAddress): string {
  const loopback = isIP(host) === 6 ? '::1' : '127.0.0.1';
  return listenerUrl(scheme, { host: isWildcard(host) ? loopback : host, port });
}
