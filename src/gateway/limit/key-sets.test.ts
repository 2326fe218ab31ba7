import { expect, it } from 'vitest';
import { compile, createConfig, type PolicySnapshot } from '../../config/index.ts';
import { createKeyIndexReader, digestOfKey } from '../../identity/index.ts';
import { testRegistries } from '../../config/testing/registries.ts';
import { createKeySets } from './key-sets.ts';

const keyText = (name: string): string => `key-of-${name}`.padEnd(22, 'x');

function compiled(keys: object[], rest: object = {}): PolicySnapshot {
  const named = keys.map((key, at) => ({ name: `k${at}`, key: keyText(`k${at}`), ...key }));
  const value = { upstreams: [{ url: 'http://127.0.0.1:1' }], keys: named, ...rest };
  const result = createConfig(value, { name: 'test', directory: '/' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  // As a worker gets it.
  return structuredClone(compile(result.config, testRegistries()));
}

function setOf(snapshot: PolicySnapshot, name: string) {
  const reader = createKeyIndexReader(snapshot.keyIndex);
  return createKeySets(snapshot)(reader.ruleSet(reader.find(digestOfKey(keyText(name)))));
}

it('a key has its own rules, quota and bounds, and what it does not say is as for all', () => {
  const snapshot = compiled(
    [
      {
        limits: {
          default: { requests: 9, period: '1s', burst_size: 1 },
          groups: { read: { requests: 3, period: '1m', mode: 'shadow' } },
          methods: { 'eth_*': { requests: 4, period: '1s' } },
        },
        quota: { cost: 7, period: 'month' },
      },
      { websocket: { max_connections: 2, messages_per_second: 0 } },
      { websocket: { messages_per_second: 5 } },
      { websocket: { max_subscriptions: 3 } },
      {},
    ],
    {
      methods: { groups: { read: ['eth_get*'] } },
      websocket: { max_connections: 20, messages_per_second: 40 },
    },
  );
  expect(setOf(snapshot, 'k0')).toMatchObject({
    all: [{ name: 'key:default', capacity: 10, network: -1, mode: 'enforce' }],
    groups: [['read', { name: 'key:group:read', periodMs: 60_000, mode: 'shadow' }]],
    methods: [['eth_*', { name: 'key:eth_*', requests: 4 }]],
    quota: { unit: 'cost', limit: 7, period: 'month' },
    bounds: snapshot.socketBounds,
  });
  const { subscriptions } = snapshot.socketBounds;
  expect(['k1', 'k2', 'k3', 'k4'].map((name) => setOf(snapshot, name).bounds)).toMatchObject([
    { connections: 2, subscriptions, messagesRule: null },
    { connections: 20, subscriptions, messagesRule: { name: 'websocket:messages', requests: 5 } },
    { connections: 20, subscriptions: 3, messagesRule: { requests: 40 } },
    { connections: 20, subscriptions, messagesRule: { requests: 40 } },
  ]);
});

it('a rule holds on the network that has its name, whatever place it has, and on none where there is none', () => {
  const snapshot = compiled([{ limits: { default: { network: 'b', requests: 9, period: '1s' } } }], {
    upstreams: undefined,
    networks: {
      a: { upstreams: [{ url: 'http://127.0.0.1:1' }] },
      b: { upstreams: [{ url: 'http://127.0.0.1:2' }] },
    },
  });
  const networkOf = (networks: PolicySnapshot['networks']) =>
    setOf({ ...snapshot, networks }, 'k0').all[0]!.network;
  const [a, b] = snapshot.networks;
  expect(networkOf([a!, b!])).toBe(1);
  expect(networkOf([b!])).toBe(0);
  expect(networkOf([a!])).toBeGreaterThan(1000);
});

it('holds a bounded number of sets, and reads those it let go of again', () => {
  const keys = Array.from({ length: 100 }, (_, k) => ({
    limits: { default: { requests: k + 1, period: '1s' } },
  }));
  const snapshot = compiled(keys);
  const reader = createKeyIndexReader(snapshot.keyIndex);
  const numbers = keys.map((_, k) => reader.ruleSet(reader.find(digestOfKey(keyText(`k${k}`)))));
  const sets = createKeySets(snapshot, 8);
  const first = sets(numbers[0]!);
  expect(sets(numbers[0]!)).toBe(first);
  for (const [k, number] of numbers.entries()) expect(sets(number).all[0]!.requests).toBe(k + 1);
  expect(sets(numbers[0]!)).not.toBe(first);
  expect(sets(numbers[0]!)).toEqual(first);
});
