import { isIP } from 'node:net';

/** [first, bits]: networks of IPv4 that no webhook has its receiver in. RFC 6890 and the IANA registry. */
const refusedV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's metadata, in the middle of what looks public.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Within 2000::/3, beside which nothing is public. */
const refusedV6: readonly (readonly [string, number])[] = [
  // IETF protocol assignments: Teredo, benchmarking, ORCHID …
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
];

/**
 * Whether an address, as `net.isIP` knows them, is one of the public internet; IPv4 within IPv6 (mapped, NAT64, 6to4, ISATAP) is looked
 * at as what it leads to. Anything that is no address is not.
 */
export function isPublicAddress(address: string): boolean {
  const kind = isIP(address);
  if (kind === 4) return isPublicV4(v4Of(address));
  return kind === 6 && isPublicV6(v6Of(address));
}

function isPublicV4(value: number): boolean {
  return !refusedV4.some(([first, bits]) => (value ^ v4Of(first)) >>> (32 - bits) === 0);
}

function isPublicV6(groups: readonly number[]): boolean {
  const v4 = (at: number): number => groups[at]! * 65_536 + groups[at + 1]!;
  const begins = (...start: number[]): boolean => start.every((group, at) => groups[at] === group);
  if (begins(0, 0, 0, 0, 0, 0xffff)) return isPublicV4(v4(6));
  if (begins(0x64, 0xff9b, 0, 0, 0, 0)) return isPublicV4(v4(6));
  if (begins(0x2002)) return isPublicV4(v4(1));
  if ((groups[0]! & 0xe000) !== 0x2000) return false;
  if (groups[5] === 0x5efe && (groups[4]! & ~0x200) === 0 && !isPublicV4(v4(6))) return false;
  return !refusedV6.some(([first, bits]) => samePrefix(groups, v6Of(first), bits));
}

function samePrefix(a: readonly number[], b: readonly number[], bits: number): boolean {
  for (let at = 0, left = bits; left > 0; at += 1, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((a[at]! ^ b[at]!) & mask) !== 0) return false;
  }
  return true;
}

function v4Of(text: string): number {
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

/** Eight groups of what `isIP` took for IPv6; a zone is left out. */
function v6Of(text: string): number[] {
  const bare = text.replace(/%.*$/s, '');
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  const v4 = dotted === null ? 0 : v4Of(dotted[2]!);
  const plain =
    dotted === null
      ? bare
      : `${dotted[1]}${Math.floor(v4 / 65_536).toString(16)}:${(v4 % 65_536).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [before, after] = [groups(head), groups(tail)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
