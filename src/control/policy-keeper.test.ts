import { expect, it } from 'vitest';
import {
  type Config,
  createStoredTerms,
  formatProblem,
  parseConfig,
  type StoredKey,
} from '../config/index.ts';
import { createLimitsKeeper } from './limits-keeper.ts';
import { createPolicyKeeper, type QuotaOwner } from './policy-keeper.ts';

function configOf(quota?: object): Config {
  const keys = [{ name: 'acme', key: 'k'.repeat(22), ...(quota && { quota }) }];
  const text = JSON.stringify({ upstreams: [{ url: 'http://127.0.0.1:1' }], keys });
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

async function start(config: Config) {
  const limits = await createLimitsKeeper({
    path: null,
    entries: 1024,
    quotaSlots: 8,
    randomSeed: () => new Uint32Array(4),
    wallMs: () => 0,
  });
  const owners: QuotaOwner[] = [];
  const policy = createPolicyKeeper(config, {
    limits,
    wallMs: () => 0,
    onQuotaOwner: (owner) => owners.push(owner),
  });
  return { policy, owners };
}

const daily = { requests: 5, period: 'day' };

it('tells of a quota that was taken from a key of the config and comes back, and of none that stays', async () => {
  const { policy, owners } = await start(configOf(daily));
  expect(owners.length).toBe(1);
  policy.adopt(configOf({ ...daily, requests: 6 }));
  expect(owners.length).toBe(1);
  policy.adopt(configOf());
  policy.adopt(configOf(daily));
  expect(owners.length).toBe(2);
  policy.adopt(configOf(daily));
  expect(owners.length).toBe(2);
});

it('tells of a quota that was taken from a key of the store and comes back, and of none that stays', async () => {
  const { policy, owners } = await start(configOf());
  const termsOf = createStoredTerms();
  const key = (quota: boolean, name = 'mine'): StoredKey => ({
    ...{ id: '11111111-2222-4333-8444-555555555555', name, sha256: 'ab'.repeat(32), prefix: 'abcdefgh' },
    ...{ previous: null, enabled: true, expiresAtMs: 0, userId: null },
    terms: termsOf([], quota ? { unit: 'requests', limit: 5, period: 'day', warnAt: [] } : null),
  });
  const change = (next: StoredKey) => {
    policy.stored.want(next.id, next);
    if (policy.stored.due) policy.applied(policy.renew().generation, true);
    const { extension, keys } = policy.extend(100);
    if (extension !== null) policy.applied(extension.generation, false);
    policy.stored.settle(0, keys);
    expect(policy.stored.waiting).toBe(0);
  };
  change(key(true));
  expect(owners.length).toBe(1);
  change(key(true, 'renamed'));
  expect(owners.length).toBe(1);
  change(key(false));
  change(key(true));
  expect(owners.length).toBe(2);
});
