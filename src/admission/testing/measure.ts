/** Prints what 100,000 bans cost: `node src/admission/testing/measure.ts`. CPU time, best of several rounds. */
import type { Address } from '../../identity/index.ts';
import { createBanMemory, newStanding, openBans, openBanWriter } from '../index.ts';

const BANS = 100_000;
const CALLS = 2_000_000;

const at = (i: number): Address => ({
  ...{ family: 4, w0: Math.imul(i, 0x9e3779b1) >>> 0 },
  ...{ w1: 0, w2: 0, w3: 0 },
});
const memory = createBanMemory(BANS, new Uint32Array([1, 2, 3, 4]));
const writer = openBanWriter(memory, BANS);
const bans = openBans(memory);
for (let i = 0; i < BANS; i += 1) writer.put({ address: at(i), bits: 32 }, 7);
const addresses = Array.from({ length: 2 * BANS }, (_, i) => at(i));
const standings = addresses.map(() => ({ ...newStanding(), generation: bans.generation() }));

function measure(name: string, work: (call: number) => boolean): void {
  let found = 0;
  const rounds = Array.from({ length: 10 }, () => {
    const before = process.cpuUsage();
    for (let call = 0; call < CALLS; call += 1) if (work(call)) found += 1;
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / CALLS;
  });
  console.log(`${name}: ${Math.min(...rounds).toFixed(1)} ns (${found} found)`);
}

// As admit.ts asks of a call whose caller is known; a look comes first, and again after a change.
measure('a call', (call) => standings[call % addresses.length]!.generation !== bans.generation());
measure('a look', (call) => bans.find(addresses[call % addresses.length]!) !== undefined);
