import { cidrProblem, parseAddress } from '../../identity/index.ts';
import { type TextSpec, text, wrong } from './fields.ts';

/** Where a listener listens. */
export interface ListenAddress {
  /** IP address without brackets, or a host name. */
  host: string;
  /** 0: any free port. */
  port: number;
}

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** `127.0.0.1:8540`, `[::1]:8540`, `localhost:8540`; undefined for anything else, such as odd spellings of an address. */
export function parseListen(written: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(written);
  if (!match) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  const bracketed = match[1];
  if (bracketed !== undefined) return parseAddress(bracketed) ? { host: bracketed, port } : undefined;
  const host = match[2] ?? '';
  // All digits and dots, or hex: meant as an address, so it must be a good one.
  if (/^[\d.]+$|^0x/i.test(host)) return parseAddress(host) ? { host, port } : undefined;
  return hostName.test(host) ? { host, port } : undefined;
}

export function formatListen({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Does only this machine reach it? */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}

/** Does it listen on all of the machine's addresses? */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

/** Would the second listener fail for the first, or a connection to one reach the other? */
export function sameListen(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const loopbacks =
    isLoopback(a.host) && isLoopback(b.host) && (a.host === 'localhost' || b.host === 'localhost');
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host) || loopbacks;
}

const listenExpected = 'an address such as 127.0.0.1:8540 or "[::1]:8540"';

function listenHint(written: string): string | undefined {
  if (/^\d{1,5}$/.test(written))
    return `name the address too: 127.0.0.1:${written}, or 0.0.0.0:${written} for all`;
  if (/^\*?:\d+$/.test(written))
    return `for all addresses write 0.0.0.0${written.slice(written.indexOf(':'))}`;
  if (/^https?:\/\//.test(written)) return 'without http://';
  if (!written.includes(':')) return 'add a port';
  return undefined;
}

export function listen(spec: { default: string; about: string }) {
  return text<ListenAddress>({
    type: '`address:port`',
    about: spec.about,
    expected: listenExpected,
    default: { written: spec.default, value: parseListen(spec.default) as ListenAddress },
    numberHint: listenHint,
    parse: (written) => parseListen(written) ?? wrong({ suggestion: listenHint(written) }),
  });
}

/** A listener that may be turned off with `none`. */
export function optionalListen(spec: { default: string; about: string }) {
  return text<ListenAddress | 'none'>({
    type: '`address:port`, `none`',
    about: spec.about,
    expected: `${listenExpected}, or none`,
    default: { written: spec.default, value: parseListen(spec.default) as ListenAddress },
    numberHint: listenHint,
    parse: (written) =>
      written === 'none' ? 'none' : (parseListen(written) ?? wrong({ suggestion: listenHint(written) })),
  });
}

/** A network in CIDR form, or one address. */
export const cidr = text<string>({
  type: 'network',
  about: 'A network such as `10.0.0.0/8`, or one address.',
  expected: 'a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address',
  parse(written) {
    const problem = cidrProblem(written);
    if (problem === undefined) return written;
    const meant = /did you mean .*/.exec(problem)?.[0];
    return wrong(
      meant ? { message: `${JSON.stringify(written)} has bits set after the prefix`, suggestion: meant } : {},
    );
  },
} satisfies TextSpec<string>);
