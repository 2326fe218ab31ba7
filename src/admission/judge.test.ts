import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, parseCidr, sharePrefixTable } from '../identity/index.ts';
import { openAddressLists } from './address-lists.ts';
import { overlaps, readPrefix } from './ban.ts';
import { createBanMemory, openBans, openBanWriter } from './ban-table.ts';
import { judge, newStanding } from './judge.ts';

const seed = Uint32Array.of(1, 2, 3, 4);

/** `banned`: with `+` before it, let in by hand. */
function judging({ allow = [] as string[], deny = [] as string[], banned = [] as string[] }) {
  const shared = (texts: string[]) => sharePrefixTable(texts.map((text) => parseCidr(text)!));
  const lists = openAddressLists({ allow: shared(allow), deny: shared(deny) });
  const memory = createBanMemory(100, seed);
  const writer = openBanWriter(memory, 100);
  for (const text of banned) {
    const { network, allowed } = readPrefix(text)!;
    writer.put(network, 0, allowed);
  }
  return (address: string) => {
    const standing = newStanding();
    judge(standing, address, lists, openBans(memory));
    return standing;
  };
}

const word = fc.integer({ min: 0, max: 0xffffffff });
const four: fc.Arbitrary<Address> = word.map((w0) => ({ family: 4, w0, w1: 0, w2: 0, w3: 0 }));
const six: fc.Arbitrary<Address> = fc
  .record({ family: fc.constant(6 as const), w0: word, w1: word, w2: word, w3: word })
  .filter(({ w0, w1, w2 }) => w0 !== 0 || w1 !== 0 || w2 !== 0xffff);

/** Spellings that all mean this address. */
function spellings(address: Address): string[] {
  const text = formatAddress(address);
  if (address.family === 4) {
    const hex = (n: number) => n.toString(16);
    const { w0 } = address;
    return [text, `::ffff:${text}`, `::FFFF:${hex(w0 >>> 16)}:${hex(w0 & 0xffff)}`, `0:0:0:0:0:ffff:${text}`];
  }
  const words = [address.w0, address.w1, address.w2, address.w3].flatMap((w) => [w >>> 16, w & 0xffff]);
  const long = words.map((w) => w.toString(16).padStart(4, '0')).join(':');
  const short = words.map((w) => w.toString(16)).join(':');
  return [text, text.toUpperCase(), long, short];
}

describe('judging an address', () => {
  it('comes to the same for every spelling of a banned, denied or allowed one', () => {
    fc.assert(
      fc.property(fc.oneof(four, six), fc.constantFrom('allow', 'deny', 'banned'), (address, list) => {
        const of = judging({ [list]: [formatAddress(address)] });
        const words = { allow: null, deny: /^address denied/, banned: /^address banned/ }[list];
        for (const spelling of spellings(address)) {
          const { denial, exempt } = of(spelling);
          if (words === null) expect([denial, exempt]).toEqual([null, true]);
          else expect(denial).toMatch(words);
        }
      }),
    );
  });

  it('takes for no address, and never refuses, what has an odd spelling; lists refuse it', () => {
    const of = judging({ deny: ['0.0.0.0/0', '::/0'] });
    const odd = ['', '1.2.3', '01.2.3.4', '0x7f.1.1.1', '1.2.3.4.5', '256.1.1.1', '1.2.3.4 ', 'fe80::1%eth0'];
    const odder = [
      '::1::',
      '1:2:3:4:5:6:7',
      '12345::',
      '[::1]',
      '1.2.3.4:80',
      '::ffff:1.2.3',
      ':1:2:3:4:5:6:7',
    ];
    for (const text of [...odd, ...odder]) {
      expect(of(text).denial, text).toBeNull();
      expect(readPrefix(text), text).toBeUndefined();
    }
    expect(of('1.2.3.4').denial).toBe('address denied by the blocklist: 0.0.0.0/0');
    expect(of('::1').denial).toBe('address denied by the blocklist: ::/0');
  });

  it('lets the allow-list win, whatever is wider or narrower', () => {
    const bits = fc.nat(32);
    fc.assert(
      fc.property(four, bits, bits, bits, (address, allowed, denied, banned) => {
        const network = (n: number) => {
          const mask = n === 0 ? 0 : (-1 << (32 - n)) >>> 0;
          return `${formatAddress({ ...address, w0: (address.w0 & mask) >>> 0 })}/${n}`;
        };
        const refused = { deny: [network(denied)], banned: [network(banned)] };
        const byHand = [...refused.banned, `+${network(allowed)}`];
        for (const of of [
          judging({ ...refused, allow: [network(allowed)] }),
          judging({ ...refused, banned: byHand }),
        ])
          expect(of(formatAddress(address))).toMatchObject({ denial: null, exempt: true });
      }),
    );
  });
});

describe('two networks', () => {
  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['2001:db8:1::5', '2001:db8::/32', true],
    ['::ffff:10.0.0.0/104', '10.255.0.0/16', true],
    ['10.0.0.0/8', '11.0.0.0/8', false],
    ['10.0.0.0/9', '10.128.0.0/9', false],
    ['0.0.0.0/0', '::/0', false],
  ])('%s and %s overlap: %s', (one, two, expected) => {
    const [a, b] = [parseCidr(one)!, parseCidr(two)!];
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([expected, expected]);
  });
});
