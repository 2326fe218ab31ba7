import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, maskAddress } from './address.ts';
import { type Cidr, cidrProblem, formatCidr, parseCidr } from './cidr.ts';
import { createPrefixTable } from './prefix-table.ts';

/** Few distinct bits, so that networks nest and touch; both ends of the number space. */
const word = fc.constantFrom(0, 0, 1, 0x0a000000, 0x0a010000, 0x80000000, 0xfffffffe, 0xffffffff);
const addresses: fc.Arbitrary<Address> = fc.oneof(
  word.map((w0) => ({ family: 4 as const, w0, w1: 0, w2: 0, w3: 0 })),
  fc.record({ family: fc.constant(6 as const), w0: word, w1: word, w2: word, w3: word }),
);
const networks: fc.Arbitrary<Cidr> = fc
  .tuple(addresses, fc.nat(128))
  .map(([address, bits]) => (address.family === 4 ? { address, bits: bits % 33 } : { address, bits }))
  .map(({ address, bits }) => ({ address: maskAddress(address, bits), bits }));

function modelFind(list: readonly Cidr[], address: Address): number {
  let best = -1;
  for (const [i, { address: network, bits }] of list.entries()) {
    const masked = maskAddress(address, bits);
    const holds =
      network.family === address.family &&
      network.w0 === masked.w0 &&
      network.w1 === masked.w1 &&
      network.w2 === masked.w2 &&
      network.w3 === masked.w3;
    if (holds && bits > (list[best]?.bits ?? -1)) best = i;
  }
  return best;
}

describe('createPrefixTable', () => {
  it('finds the most specific network, the first of equal ones', () => {
    fc.assert(
      fc.property(
        fc.array(networks, { maxLength: 30 }),
        fc.array(addresses, { maxLength: 20 }),
        (list, asked) => {
          const table = createPrefixTable(list);
          for (const address of [...asked, ...list.map((network) => network.address)]) {
            expect(table.find(address)).toBe(modelFind(list, address));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is right at and beside every border of thousands of networks', () => {
    const list: Cidr[] = [];
    for (let i = 0; i < 1000; i += 1) {
      const w0 = Math.imul(i, 0x9e3779b1) >>> 0;
      const bits = 8 + (i % 25);
      list.push({ address: maskAddress({ family: 4, w0, w1: 0, w2: 0, w3: 0 }, bits), bits });
    }
    const table = createPrefixTable(list);
    const wrong = list
      .flatMap(({ address: { w0 }, bits }) => [w0 - 1, w0, w0 + 2 ** (32 - bits) - 1, w0 + 2 ** (32 - bits)])
      .filter((w0) => w0 >= 0 && w0 <= 0xffffffff)
      .map((w0) => ({ family: 4 as const, w0, w1: 0, w2: 0, w3: 0 }))
      .filter((address) => table.find(address) !== modelFind(list, address));
    expect(wrong.map(formatAddress)).toEqual([]);
  });
});

describe('parseCidr', () => {
  it('reads back every network', () => {
    fc.assert(
      fc.property(networks, (network) => {
        expect(parseCidr(formatCidr(network))).toEqual(network);
      }),
    );
  });

  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, canonical) => {
    const cidr = parseCidr(text);
    expect(cidr && formatCidr(cidr)).toBe(canonical);
    expect(cidrProblem(text)).toBeUndefined();
  });

  it.each([
    ['10.0.0.0/33', /not a network/],
    ['10.0.0.0/08', /not a network/],
    ['10.0.0.0/-1', /not a network/],
    ['10.0.0.0/', /not a network/],
    ['10.0.0/8', /not a network/],
    ['10.0.0.0/8/8', /not a network/],
    ['::ffff:10.0.0.0/95', /not a network/],
    ['::/129', /not a network/],
    ['example.com', /not a network/],
    ['10.1.2.3/8', /10\.0\.0\.0\/8 or 10\.1\.2\.3\?/],
    ['2001:db8::1/32', /2001:db8::\/32/],
  ])('%s: %s', (text, problem) => {
    expect(parseCidr(text)).toBeUndefined();
    expect(cidrProblem(text)).toMatch(problem);
  });
});

it.each([
  ['10.0.0.0/8', true],
  ['10.1.0.0/16', true],
  ['10.255.255.255/32', true],
  ['10.0.0.0/7', false],
  ['192.0.2.0/24', true],
  ['192.0.2.0/23', false],
  ['0.0.0.0/0', false],
  ['255.255.255.255/32', true],
  ['2001:db8::/33', true],
  ['2001:db8::/31', false],
  ['::/0', false],
])('whether all of %s is in it: %s', (text, all) => {
  const table = createPrefixTable(
    ['10.0.0.0/8', '10.1.0.0/24', '192.0.2.0/25', '192.0.2.128/25', '255.0.0.0/8', '2001:db8::/32'].map(
      (one) => parseCidr(one)!,
    ),
  );
  expect(table.holdsAll(parseCidr(text)!)).toBe(all);
});
