import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, type Cidr, formatCidr, maskAddress } from '../identity/index.ts';
import { createBanMemory, openBans, openBanWriter } from './ban-table.ts';

const seed = Uint32Array.of(1, 2, 3, 4);
const word = fc.constantFrom(0, 1, 0x0a000000, 0x0a010000, 0xfffffffe, 0xffffffff);
const addresses: fc.Arbitrary<Address> = fc.oneof(
  word.map((w0) => ({ family: 4 as const, w0, w1: 0, w2: 0, w3: 0 })),
  fc.record({ family: fc.constant(6 as const), w0: word, w1: word, w2: fc.constant(0), w3: word }),
);
const networks: fc.Arbitrary<Cidr> = fc
  .tuple(addresses, fc.constantFrom(0, 8, 16, 31, 32, 64, 127, 128))
  .map(([address, bits]) => (address.family === 4 ? { address, bits: bits % 33 } : { address, bits }))
  .map(({ address, bits }) => ({ address: maskAddress(address, bits), bits }));

function holds({ address: network, bits }: Cidr, address: Address): boolean {
  return (
    network.family === address.family &&
    formatCidr({ address: maskAddress(address, bits), bits }) === formatCidr({ address: network, bits })
  );
}

describe('the table of bans', () => {
  it('agrees with a list, whatever is put in and taken out', () => {
    const change = fc.record({
      ...{ put: fc.boolean(), network: networks, until: fc.nat(1000) },
      allowed: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60 }),
        fc.array(addresses, { maxLength: 10 }),
        (changes, asked) => {
          // So few slots that entries stand in each other's way.
          const memory = createBanMemory(16, seed);
          const [writer, reader] = [openBanWriter(memory, 16), openBans(memory)];
          const model = new Map<string, { network: Cidr; until: number; allowed: boolean }>();
          for (const { put, network, until, allowed } of changes) {
            const name = `${allowed} ${formatCidr(network)}`;
            if (!put) {
              writer.remove(network, allowed);
              model.delete(name);
            } else if (writer.put(network, until, allowed)) model.set(name, { network, until, allowed });
            else expect([model.has(name), model.size]).toEqual([false, 16]);
          }
          for (const address of [...asked, ...changes.map(({ network }) => network.address)]) {
            const held = [...model.values()].filter(({ network }) => holds(network, address));
            expect(reader.allows(address)).toBe(held.some(({ allowed }) => allowed));
            const best = held
              .filter(({ allowed }) => !allowed)
              .sort((a, b) => b.network.bits - a.network.bits)[0];
            expect(reader.find(address)).toEqual(
              best && { bits: best.network.bits, untilSeconds: best.until },
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('shows a change by its generation', () => {
    const memory = createBanMemory(4, seed);
    const [writer, reader] = [openBanWriter(memory, 4), openBans(memory)];
    const before = reader.generation();
    writer.publish();
    expect(reader.generation()).not.toBe(before);
  });

  it('tells by another number when there is more in it than before', () => {
    const memory = createBanMemory(4, seed);
    const [writer, reader] = [openBanWriter(memory, 4), openBans(memory)];
    const network: Cidr = { address: { family: 4, w0: 7, w1: 0, w2: 0, w3: 0 }, bits: 32 };
    const moved = (change: () => void): boolean[] => {
      const before = [reader.generation(), reader.additions()];
      change();
      expect([reader.generation(), reader.additions()]).toEqual(before);
      writer.publish();
      return [reader.generation() !== before[0], reader.additions() !== before[1]];
    };
    expect(moved(() => writer.put(network, 5))).toEqual([true, true]);
    expect(
      moved(() => writer.put(network, 6)),
      'another end',
    ).toEqual([true, false]);
    expect(moved(() => writer.remove(network))).toEqual([true, false]);
    expect(moved(() => {})).toEqual([true, false]);
  });

  it('holds 100,000 and lets go of all of them again', () => {
    const memory = createBanMemory(100_000, seed);
    const [writer, reader] = [openBanWriter(memory, 100_000), openBans(memory)];
    const at = (i: number): Address => ({
      family: 4,
      w0: Math.imul(i, 0x9e3779b1) >>> 0,
      w1: 0,
      w2: 0,
      w3: 0,
    });
    for (let i = 0; i < 100_000; i += 1) expect(writer.put({ address: at(i), bits: 32 }, 7)).toBe(true);
    expect(writer.put({ address: at(100_000), bits: 32 }, 7)).toBe(false);
    let found = 0;
    for (let i = 0; i < 200_000; i += 1) if (reader.find(at(i)) !== undefined) found += 1;
    expect(found).toBe(100_000);
    for (let i = 0; i < 100_000; i += 1) writer.remove({ address: at(i), bits: 32 });
    for (let i = 0; i < 100_000; i += 1) if (reader.find(at(i)) !== undefined) found += 1;
    expect(found).toBe(100_000);
  });
});
