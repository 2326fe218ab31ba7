import { isIP } from 'node:net';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, maskAddress, parseAddress } from './address.ts';
import { callerOfAddress } from './caller.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0xffff, 0xffff0000, 1));
const addresses: fc.Arbitrary<Address> = fc.oneof(
  word.map((w0) => ({ family: 4 as const, w0, w1: 0, w2: 0, w3: 0 })),
  fc
    .record({ family: fc.constant(6 as const), w0: word, w1: word, w2: word, w3: word })
    .filter(({ w0, w1, w2 }) => w0 !== 0 || w1 !== 0 || w2 !== 0xffff),
);

/** Right spellings, wrong ones, and right ones with a character put in, taken out or changed. */
const spellings = fc.oneof(
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(45),
      fc.nat(2),
      fc.constantFrom(':', '.', '0', 'f', '9', ' ', '%', '/', 'x', '[', ']', '٣'),
    )
    .map(([text, at, cut, char]) => text.slice(0, at) + char + text.slice(at + cut)),
  fc
    .array(fc.constantFrom('::', ':', '.', '0', 'ffff', '1.2.3.4', '255', '12345', 'g'))
    .map((parts) => parts.join('')),
);

function bytesOf({ family, w0, w1, w2, w3 }: Address): number[] {
  const words = family === 4 ? [w0] : [w0, w1, w2, w3];
  return words.flatMap((each) => [each >>> 24, (each >>> 16) & 255, (each >>> 8) & 255, each & 255]);
}

/** Its bytes by others' parsers. IPv6 goes through WHATWG's, as ipaddr.js takes `::192.0.2.1` for IPv4. */
function oracle(text: string): number[] | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  return ipaddr
    .process(family === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1))
    .toByteArray();
}

describe('parseAddress', () => {
  it('accepts what the operating system accepts, but for zones, and reads the same', () => {
    fc.assert(
      fc.property(spellings, (text) => {
        const address = parseAddress(text);
        const expected = text.includes('%') ? undefined : oracle(text);
        expect(address === undefined ? undefined : bytesOf(address)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('reads back the canonical text of every address', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  it.each([
    '010.0.0.1',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '00.0.0.0',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4:80',
    '+1.2.3.4',
    '1..2.3',
    '١.٢.٣.٤',
    '[::1]',
    'fe80::1%eth0',
    '::1/128',
    '1::2::3',
    ':::',
    '12345::',
    '::ffff:1.2.3',
    '::ffff:01.2.3.4',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '',
    'localhost',
    'unknown',
  ])('refuses %s', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::', '::'],
    ['1::', '1::'],
    ['::1', '::1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%s is %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });
});

describe('formatAddress', () => {
  it('writes RFC 5952', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const bytes = bytesOf(address);
        const expected =
          address.family === 4 ? new ipaddr.IPv4(bytes).toString() : new ipaddr.IPv6(bytes).toRFC5952String();
        expect(formatAddress(address)).toBe(expected);
      }),
    );
  });
});

describe('callerOfAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['::1', '::/64'],
  ])('%s is %s', (text, caller) => {
    expect(callerOfAddress(text)?.text).toBe(caller);
  });

  it('takes other prefixes', () => {
    expect(callerOfAddress('2001:db8:1:2ff::6', 56)?.text).toBe('2001:db8:1:200::/56');
    expect(callerOfAddress('2001:db8:1:2ff::6', 128)?.text).toBe('2001:db8:1:2ff::6');
    expect(callerOfAddress('192.0.2.1', 8)?.text).toBe('192.0.2.1');
  });

  it('is one caller exactly when the first bits agree', () => {
    fc.assert(
      fc.property(addresses, addresses, fc.integer({ min: 1, max: 128 }), (a, b, bits) => {
        const ofA = callerOfAddress(formatAddress(a), bits);
        const ofB = callerOfAddress(formatAddress(b), bits);
        const compared = a.family === 4 ? 32 : bits;
        const binary = (address: Address): string =>
          bytesOf(address)
            .map((byte) => byte.toString(2).padStart(8, '0'))
            .join('')
            .slice(0, compared);
        const expected = a.family === b.family && binary(a) === binary(b);
        expect(ofA?.text === ofB?.text).toBe(expected);
        expect(Buffer.from(ofA?.bytes ?? []).equals(Buffer.from(ofB?.bytes ?? []))).toBe(expected);
        expect(bytesOf(maskAddress(a, 0)).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  it('is nobody for what is no address', () => {
    expect(callerOfAddress('/run/socket')).toBeUndefined();
  });
});
