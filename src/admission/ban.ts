import { type Cidr, parseCidr } from '../identity/index.ts';
import { networkText } from './address-lists.ts';

/**
 * An address or network that is refused for a while, by a person or by what it did; or, with {@link allowMark} before it, one that a person lets in
 * whatever refuses it. Times are epoch milliseconds.
 */
export interface Ban {
  /** In canonical text, an address alone without its length: `203.0.113.9`, `2001:db8::/64`, `+203.0.113.9`. */
  prefix: string;
  /** For operators. */
  reason: string;
  /** `auto`, or who did it. */
  by: string;
  beganAt: number;
  /** null: until it is lifted. */
  until: number | null;
  /** How often this one has been banned, this time included. */
  times: number;
  /** It refuses nobody: made by `auto_ban` while `mode` was `simulate`. */
  simulated: boolean;
}

/** Who `by` is where nobody decided it. */
export const byItself = 'auto';

/** Before a network that is let in: so both kinds stand in one book, one store and one log. */
export const allowMark = '+';

export const isAllowed = (prefix: string): boolean => prefix.startsWith(allowMark);

/** A prefix as bans name it, and the network it means; undefined for what is none. */
export function readPrefix(text: string): { prefix: string; network: Cidr; allowed: boolean } | undefined {
  const allowed = isAllowed(text);
  const network = parseCidr(allowed ? text.slice(allowMark.length) : text);
  if (network === undefined) return undefined;
  return {
    prefix: (allowed ? allowMark : '') + networkText(network.address, network.bits),
    ...{ network, allowed },
  };
}

/** Whether two networks have an address in common: one of them holds the other. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  const bits = Math.min(a.bits, b.bits);
  return (
    a.address.family === b.address.family && networkText(a.address, bits) === networkText(b.address, bits)
  );
}
