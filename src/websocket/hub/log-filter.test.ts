import { Interface, zeroPadValue } from 'ethers';
import { describe, expect, it } from 'vitest';
import { bloomBits, mayHold, readBloom } from './bloom.ts';
import { type LogFacts, type LogFilter, readLogFilter } from './log-filter.ts';

const address = (digit: string): string => `0x${digit.repeat(40)}`;
const topic = (digit: string): string => `0x${digit.repeat(64)}`;
const filterOf = (params: unknown): LogFilter => {
  const filter = readLogFilter(params);
  if (typeof filter === 'string') throw new Error(filter);
  return filter;
};

describe('equal filters are one', () => {
  it.each([
    [undefined, {}],
    [null, { address: null, topics: null }],
    [{ address: address('A') }, { address: [address('a'), address('a')] }],
    [{ address: [address('a'), address('b')] }, { address: [address('b'), address('a')], fromBlock: '0x1' }],
    [{ topics: [topic('A')] }, { topics: [[topic('a')]] }],
    [{ topics: [[topic('a'), topic('b')], null] }, { topics: [[topic('b'), topic('a')], []] }],
    [{ topics: [[topic('a'), null]] }, { topics: [null] }],
  ])('%j and %j', (one, other) => {
    expect(filterOf(one).text).toBe(filterOf(other).text);
  });

  it('and different ones are not', () => {
    const texts = [
      {},
      { address: address('a') },
      { topics: [topic('a')] },
      { topics: [null, topic('a')] },
      { topics: [null] },
    ];
    expect(new Set(texts.map((params) => filterOf(params).text)).size).toBe(texts.length);
  });
});

describe('which logs', () => {
  const log: LogFacts = { address: address('a'), topics: [topic('1'), topic('2')] };
  it.each<[unknown, boolean]>([
    [{}, true],
    [{ address: address('A') }, true],
    [{ address: address('b') }, false],
    [{ address: [address('b'), address('a')] }, true],
    [{ address: [] }, true],
    [{ topics: [topic('1')] }, true],
    [{ topics: [topic('2')] }, false],
    [{ topics: [null, topic('2')] }, true],
    [{ topics: [null, null] }, true],
    [{ topics: [null, null, null] }, false],
    [{ topics: [[topic('3'), topic('1')], [topic('2')]] }, true],
    [{ address: address('a'), topics: [topic('3')] }, false],
  ])('%j: %s', (params, expected) => {
    expect(filterOf(params).matches(log)).toBe(expected);
  });
});

it.each<[unknown, RegExp]>([
  [[], /must be an object/],
  ['x', /must be an object/],
  [{ address: '0x1' }, /invalid address/],
  [{ address: [1] }, /invalid address/],
  [{ topics: topic('1') }, /invalid topics/],
  [{ topics: ['0x1'] }, /invalid topic/],
  [{ topics: [[[]]] }, /invalid topic/],
  [{ topics: [null, null, null, null, null] }, /max topics/],
  [{ address: new Array(257).fill(address('a')) }, /exceed max/],
  [{ topics: [new Array(200).fill(topic('a')), new Array(57).fill(topic('a'))] }, /exceed max/],
  [{ blockHash: topic('1') }, /takes no "blockHash"/],
])('refuses %j', (params, message) => {
  expect(readLogFilter(params)).toMatch(message);
});

describe('the bloom filter', () => {
  // Block 0x… of Ethereum's mainnet is not at hand here: the bits of a known address, from the Yellow Paper's definition.
  it('finds the three bits of an address', () => {
    const bits = bloomBits('0x095e7baea6a6c7c4c2dfeb977efac326af552d87');
    expect(bits.bytes).toHaveLength(3);
    const bloom = new Uint8Array(256);
    bits.bytes.forEach((at, k) => (bloom[at]! |= bits.masks[k]!));
    // go-ethereum, core/types/bloom9_test.go and the test of its log filters use this very address and bloom.
    expect(mayHold(bloom, bits)).toBe(true);
    expect(mayHold(bloom, bloomBits(address('1')))).toBe(false);
  });

  it('passes over a block that surely has none, and none that may', () => {
    const transfer = new Interface([
      'event Transfer(address indexed from, address indexed to, uint256 value)',
    ]);
    const signature = transfer.getEvent('Transfer')!.topicHash;
    const from = zeroPadValue(address('c'), 32);
    const bloom = new Uint8Array(256);
    for (const value of [address('a'), signature, from]) {
      const bits = bloomBits(value);
      bits.bytes.forEach((at, k) => (bloom[at]! |= bits.masks[k]!));
    }
    const read = readBloom(`0x${Buffer.from(bloom).toString('hex')}`);
    expect(filterOf({}).mayMatch(read)).toBe(true);
    expect(filterOf({ address: address('a') }).mayMatch(read)).toBe(true);
    expect(filterOf({ address: [address('b'), address('a')] }).mayMatch(read)).toBe(true);
    expect(filterOf({ address: address('b') }).mayMatch(read)).toBe(false);
    expect(filterOf({ topics: [signature, from] }).mayMatch(read)).toBe(true);
    expect(filterOf({ topics: [signature, zeroPadValue(address('d'), 32)] }).mayMatch(read)).toBe(false);
    expect(filterOf({ address: address('b') }).mayMatch(readBloom(''))).toBe(true);
    // Too many to be worth the look.
    const many = Array.from({ length: 33 }, (_, k) => `0x${k.toString(16).padStart(40, '0')}`);
    expect(filterOf({ address: many }).mayMatch(read)).toBe(true);
  });
});
