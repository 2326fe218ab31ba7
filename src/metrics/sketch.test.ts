import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callAt } from './columns.ts';
import { createSketchMemory, createSketchWriter, readSketches } from './sketch.ts';

const { allowed } = callAt;

/** Counts calls as a worker does, and beside it how many there truly were. */
function count(memory: SharedArrayBuffer, calls: readonly string[], truth: Map<string, number>): void {
  const writer = createSketchWriter(memory);
  const hints = new Map<string, number>();
  for (const address of calls) {
    const row = writer.count(address, hints.get(address) ?? -1);
    writer.numbers[row + allowed]!++;
    hints.set(address, writer.place);
    truth.set(address, (truth.get(address) ?? 0) + 1);
  }
}

function assertBounds(memories: SharedArrayBuffer[], truth: ReadonlyMap<string, number>): void {
  const { addresses, floor } = readSketches(memories);
  const listed = new Set<string>();
  for (const { address, numbers, missed } of addresses) {
    const calls = truth.get(address) ?? 0;
    expect(numbers[allowed]!).toBeLessThanOrEqual(calls);
    expect(numbers[allowed]! + missed).toBeGreaterThanOrEqual(calls);
    listed.add(address);
  }
  for (const [address, calls] of truth) if (!listed.has(address)) expect(calls).toBeLessThanOrEqual(floor);
}

describe('the sketch of addresses', () => {
  it('keeps its bounds for any order of calls, over several workers and a death', () => {
    const addresses = fc.integer({ min: 0, max: 12 }).map((n) => `192.0.2.${n}`);
    const calls = fc.array(addresses, { maxLength: 120 });
    fc.assert(
      fc.property(calls, calls, calls, (first, second, afterDeath) => {
        const memories = [createSketchMemory(4), createSketchMemory(4)];
        const truth = new Map<string, number>();
        count(memories[0]!, first, truth);
        count(memories[1]!, second, truth);
        // Another writer in the first's place.
        count(memories[0]!, afterDeath, truth);
        assertBounds(memories, truth);
        const { floor } = readSketches(memories);
        expect(floor).toBeLessThanOrEqual((first.length + second.length + afterDeath.length) / 4);
      }),
    );
  });

  it('is exact while there is room', () => {
    const memory = createSketchMemory(8);
    const truth = new Map<string, number>();
    count(memory, ['a', 'b', 'a', '2001:db8:ffff:ffff::/64', 'a'], truth);
    const { addresses, floor } = readSketches([memory]);
    expect(addresses.map(({ address, numbers, missed }) => [address, numbers[allowed], missed])).toEqual([
      ['a', 3, 0],
      ['b', 1, 0],
      ['2001:db8:ffff:ffff::/64', 1, 0],
    ]);
    expect(floor).toBe(0);
  });

  it('lists who calls most among hundreds of thousands that call once', () => {
    const memory = createSketchMemory();
    const truth = new Map<string, number>();
    const calls: string[] = [];
    for (let n = 0; n < 300_000; n++) {
      calls.push(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
      if (n % 100 === 0) calls.push('198.51.100.7');
    }
    count(memory, calls, truth);
    const { addresses, floor } = readSketches([memory]);
    const busiest = addresses.toSorted(
      (a, b) => b.numbers[allowed]! + b.missed - a.numbers[allowed]! - a.missed,
    )[0]!;
    expect(busiest.address).toBe('198.51.100.7');
    expect(busiest.numbers[allowed]! + busiest.missed).toBeGreaterThanOrEqual(3000);
    expect(floor).toBeLessThanOrEqual(calls.length / 1024);
    expect(addresses).toHaveLength(1024);
  });

  it('gives up a place whose worker died while it gave it to another', () => {
    const memory = createSketchMemory(2);
    count(memory, ['a', 'a', 'b'], new Map());
    // The version of the first place: odd while it is another's.
    new Int32Array(memory)[16]!++;
    count(memory, ['c'], new Map());
    const { addresses, floor } = readSketches([memory]);
    expect(addresses.map(({ address }) => address).toSorted()).toEqual(['b', 'c']);
    expect(floor).toBe(0);
  });
});
