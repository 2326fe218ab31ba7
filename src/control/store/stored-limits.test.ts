import { expect, test } from 'vitest';
import { createConfig, extendSnapshot, type PolicyExtension } from '../../config/index.ts';
import { createKeyIndexReader } from '../../identity/index.ts';
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

/** Main's side with the real policy, and a worker's copy of the snapshot that knows what it was told and no more. */
async function start() {
  const limits = await createLimitsKeeper({
    ...{ path: null, entries: 1024, quotaSlots: 64 },
    ...{ randomSeed: () => new Uint32Array(4), wallMs: () => 0 },
  });
  const made = createConfig({ upstreams: [{ url: 'http://127.0.0.1:1' }] }, { name: 'test', directory: '/' });
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  const policy = createPolicyKeeper(made.config, { limits, wallMs: () => 0 });
  let ofWorker = structuredClone(policy.snapshot);
  const told: ('whole' | number)[] = [];
  const said: unknown[] = [];
  const keys = createStoredKeys({
    policy,
    async apply() {
      told.push('whole');
      ofWorker = structuredClone(policy.snapshot);
      return { late: [] };
    },
    async extend(extension: PolicyExtension) {
      told.push(extension.sets.length);
      extendSnapshot(ofWorker, structuredClone(extension));
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
    ...{ keys, policy, told, said },
    /** What a worker lets the key have in a second; undefined: it knows no such key. */
    requestsOf(n: number): number | undefined {
      const reader = createKeyIndexReader(ofWorker.keyIndex);
      const slot = reader.find(Buffer.from(hashOf(n), 'hex').toString('latin1'));
      const [rule] = slot < 0 ? [] : ofWorker.ruleSets[reader.ruleSet(slot)]!.all;
      return rule === undefined ? undefined : ofWorker.rules[rule]!.requests;
    },
  };
}

async function* pieces(keys: readonly PolicyKey[]) {
  for (let at = 0; at < keys.length; at += 700) yield packKeys(keys.slice(at, at + 700));
}

test('keys with limits of their own come to workers some at a time, and a further one alone', async () => {
  const main = await start();
  const all = Array.from({ length: 2500 }, (_, n) => keyOf(n, n + 1));
  expect(await main.keys.replace(pieces(all))).toEqual({ keys: 2500 });
  expect(main.told).toEqual(['whole', 1000, 1000, 500]);
  expect([0, 999, 1000, 2499].map(main.requestsOf)).toEqual([1, 1000, 1001, 2500]);

  main.told.length = 0;
  main.keys.change(idOf(5000), packKeys([keyOf(5000, 5000)]));
  await expect.poll(() => main.requestsOf(5000)).toBe(5000);
  expect(main.told).toEqual([1]);
  expect(main.said).toEqual([]);
});

test('limits that were given up go at a whole compile, which comes once they are many', async () => {
  const main = await start();
  const rounds = 12;
  for (let round = 0; round < rounds; round += 1)
    await main.keys.replace(pieces(Array.from({ length: 1000 }, (_, n) => keyOf(n, 1 + n + round * 1000))));
  expect(main.told.filter((one) => one === 'whole').length).toBeLessThan(rounds);
  expect(main.policy.snapshot.ruleSets.length).toBeLessThan(8000);
  expect([0, 999].map(main.requestsOf)).toEqual([11_001, 12_000]);
});
