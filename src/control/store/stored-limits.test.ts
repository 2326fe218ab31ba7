import { expect, test } from 'vitest';
import { createConfig } from '../../config/index.ts';
import { createKeyIndexReader, readSharedText } from '../../identity/index.ts';
import type { PolicyKey } from '../../store/index.ts';
import { createLimitsKeeper } from '../limits-keeper.ts';
import { createPolicyKeeper } from '../policy-keeper.ts';
import { packKeys } from './packed-keys.ts';
import { createStoredKeys } from './stored-keys.ts';

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const hashOf = (n: number): string => n.toString(16).padStart(8, '0').repeat(8);

function keyOf(n: number, requests: number): PolicyKey {
  const overrides = [{ method: '*', requests, periodMs: 1000, burstSize: 0 }];
  return {
    ...{
      userId: null,
      id: idOf(n),
      sha256: hashOf(n),
      prefix: 'prefix00',
      name: `key-${n}`,
      enabled: true,
      expiresAt: null,
    },
    ...{ previousSha256: null, previousUntil: null, overrides, quota: null, userQuota: null },
  };
}

/** Main's side with the real policy, and a worker's copy of the snapshot. */
async function start() {
  const limits = await createLimitsKeeper({
    ...{ path: null, entries: 1024, quotaSlots: 64 },
    ...{ randomSeed: () => new Uint32Array(4), wallMs: () => 0 },
  });
  const made = createConfig({ upstreams: [{ url: 'http://127.0.0.1:1' }] }, { name: 'test', directory: '/' });
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  const policy = createPolicyKeeper(made.config, { limits, wallMs: () => 0 });
  let ofWorker = structuredClone(policy.snapshot);
  let told = 0;
  const said: unknown[] = [];
  const keys = createStoredKeys({
    policy,
    async apply() {
      told += 1;
      ofWorker = structuredClone(policy.snapshot);
      return { late: [] };
    },
    changed: () => undefined,
    logger: {
      warn: (...line: unknown[]) => void said.push(line),
      error: (...line: unknown[]) => void said.push(line),
    },
    wallMs: () => 0,
  });
  return {
    ...{ keys, policy, said },
    /** Snapshots that workers were given. */
    told: () => told,
    /** What a worker lets the key have in a second; undefined: it knows no such key. */
    requestsOf(n: number): number | undefined {
      const reader = createKeyIndexReader(ofWorker.keyIndex);
      const slot = reader.find(Buffer.from(hashOf(n), 'hex').toString('latin1'));
      if (slot < 0) return undefined;
      return JSON.parse(readSharedText(ofWorker.keySets, reader.ruleSet(slot))).all[0].requests;
    },
  };
}

async function* pieces(keys: readonly PolicyKey[]) {
  for (let at = 0; at < keys.length; at += 700) yield packKeys(keys.slice(at, at + 700));
}

test('keys with limits of their own are there with one snapshot for all, and further ones with none', async () => {
  const main = await start();
  const all = Array.from({ length: 2500 }, (_, n) => keyOf(n, n + 1));
  expect(await main.keys.replace(pieces(all), 2500)).toEqual({ keys: 2500 });
  const told = main.told();
  expect(told).toBe(1);
  expect([0, 999, 1000, 2499].map(main.requestsOf)).toEqual([1, 1000, 1001, 2500]);

  main.keys.change(idOf(5000), packKeys([keyOf(5000, 5000)]));
  expect(main.requestsOf(5000)).toBe(5000);
  expect(main.told()).toBe(told);
  expect(main.said).toEqual([]);
});

test('limits that were given up make place, once they are many, however they came', async () => {
  const main = await start();
  const rounds = 12;
  for (let round = 0; round < rounds; round += 1)
    await main.keys.replace(
      pieces(Array.from({ length: 1000 }, (_, n) => keyOf(n, 1 + n + round * 1000))),
      1000,
    );
  const told = main.told();
  expect(told).toBeLessThan(rounds);
  expect([0, 999].map(main.requestsOf)).toEqual([11_001, 12_000]);

  const { keySets } = main.policy.snapshot;
  for (let n = 0; n < 5000; n += 1) main.keys.change(idOf(0), packKeys([keyOf(0, 20_000 + n)]));
  await expect.poll(() => main.policy.snapshot.keySets).not.toBe(keySets);
  expect([0, 999].map(main.requestsOf)).toEqual([24_999, 12_000]);
  expect(main.policy.stored.due).toBe(false);
});
