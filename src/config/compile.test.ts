import { hashKey, createKeyIndexReader, digestOfKey } from '../identity/index.ts';
import { describe, expect, it } from 'vitest';
import { type Config, compile, configHash, formatProblem, parseConfig, versionsOf } from './index.ts';
import { keySetAt } from './testing/key-set-at.ts';
import { testRegistries } from './testing/registries.ts';

function parse(text: string): Config {
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

const base = `
networks:
  a: { upstreams: [{ url: http://127.0.0.1:8545/x?y=1, headers: { x-a: b } }] }
  b: { path: /, upstreams: [{ url: https://node.internal }] }
methods:
  groups: { read: [eth_get*] }
  costs: { eth_getLogs: 10 }
  blocked: [admin_*]
  unsafe: [acme_*]
limits:
  default:
    - { network: a, requests: 5, period: 1s, burst_size: 5 }
    - { requests: 20, period: 1m, mode: shadow }
    - { requests: 20, period: 1m }
  groups: { read: { requests: 50, period: 1s } }
  methods: { eth_call: { requests: 7, period: 1s } }
  ceilings: [{ name: addr, per: address, requests: 100, period: 1s }]
keys:
  - { name: one, key: abcdefghijklmnopqrstuv1, limits: { default: { requests: 9, period: 1s } } }
  - { name: two, key: abcdefghijklmnopqrstuv2, limits: { default: { requests: 9, period: 1s } } }
  - { name: three, key: abcdefghijklmnopqrstuv3, limits: { default: { requests: 8, period: 1s }, groups: { read: { requests: 3, period: 1s } }, methods: { eth_call: { requests: 4, period: 1s } } }, quota: { requests: 10, period: day, warn_at: [95, 80] } }
  - { name: four, key: abcdefghijklmnopqrstuv4, enabled: false, expires: 2030-01-01 }
`;

describe('compile', () => {
  it('numbers rules with names that show no key', () => {
    const snapshot = compile(parse(base), testRegistries());
    const rules = snapshot.rules.map(({ name, scope, network, mode, rank }) => ({
      name,
      scope,
      network,
      mode,
      rank,
    }));
    expect(rules).toEqual([
      { name: 'method:eth_call', scope: 'method:eth_call', network: -1, mode: 'enforce', rank: 'method' },
      { name: 'group:read', scope: 'group:read', network: -1, mode: 'enforce', rank: 'group' },
      { name: 'default', scope: 'default@a', network: 0, mode: 'enforce', rank: 'default' },
      { name: 'default', scope: 'default', network: -1, mode: 'shadow', rank: 'default' },
      { name: 'default', scope: 'default#1', network: -1, mode: 'enforce', rank: 'default' },
      { name: 'ceiling:addr', scope: 'ceiling:addr', network: -1, mode: 'enforce', rank: 'ceiling' },
    ]);
    expect(snapshot.defaults).toEqual({ methods: [['eth_call', 0]], groups: [['read', 1]], all: [2, 3, 4] });
    expect(snapshot.ceilings).toEqual([{ rule: 5, per: 'address' }]);
    expect(snapshot.socketBounds.messagesRule).toBeNull();
    expect(snapshot.rules[2]).toMatchObject({ requests: 5, periodMs: 1000, burst: 5, capacity: 10 });
  });

  it('has the rule that bounds messages of all among its own', () => {
    const snapshot = compile(parse(`${base}websocket: { messages_per_second: 40 }`), testRegistries());
    const { messagesRule } = snapshot.socketBounds;
    expect(messagesRule).toMatchObject({ name: 'websocket:messages', requests: 40, rank: 'ceiling' });
    expect(versionsOf(snapshot)).toContain(messagesRule!.version);
  });

  it('is plain data for a worker', () => {
    const snapshot = compile(parse(base), testRegistries());
    const { keyIndex, keySets, ...plain } = snapshot;
    expect(structuredClone(plain)).toEqual(plain);
    expect([keyIndex, keySets]).toEqual([expect.any(SharedArrayBuffer), expect.any(SharedArrayBuffer)]);
    // Whatever keys say of themselves is not in it.
    expect(JSON.stringify(plain)).not.toContain('key:');
    expect(snapshot.networks[0]?.upstreams[0]).toMatchObject({
      url: 'http://127.0.0.1:8545',
      path: '/x?y=1',
      hostHeader: '127.0.0.1:8545',
      headers: [['x-a', 'b']],
      firstByteTimeoutMs: 30_000,
    });
    expect(snapshot.networks[1]).toMatchObject({
      path: '/',
      upstreams: [{ port: 443, tls: true, hostHeader: 'node.internal' }],
    });
    expect(snapshot.methods.unsafe).toEqual(expect.arrayContaining(['eth_send*', 'acme_*']));
  });

  it('puts keys into the index with their numbers and flags, and their sets of rules beside it', () => {
    const registries = testRegistries();
    const snapshot = compile(parse(base), registries);
    const index = createKeyIndexReader(snapshot.keyIndex);
    const sets = ['one', 'two', 'three', 'four'].map((name, at) => {
      const slot = index.find(digestOfKey(`abcdefghijklmnopqrstuv${at + 1}`));
      expect(slot).toBeGreaterThanOrEqual(0);
      expect(registries.keys.nameOf(index.keyNumber(slot))).toBe(name);
      return index.ruleSet(slot);
    });
    expect(sets[1]).toBe(sets[0]);
    expect(sets[3]).toBe(0);
    expect(keySetAt(snapshot, sets[0]!)).toMatchObject({
      ...{ methods: [], groups: [], quota: null, websocket: null },
      all: [{ name: 'key:default', scope: 'key:default', network: -1, rank: 'key-all', requests: 9 }],
    });
    expect(keySetAt(snapshot, sets[2]!)).toMatchObject({
      methods: [['eth_call', { name: 'key:eth_call', rank: 'key-method', requests: 4 }]],
      groups: [['read', { name: 'key:group:read', rank: 'key-group', requests: 3 }]],
      all: [{ name: 'key:default', rank: 'key-all', requests: 8 }],
      quota: { unit: 'requests', limit: 10, period: 'day', warnAt: [80, 95] },
    });
    expect(hashKey('abcdefghijklmnopqrstuv1')).toHaveLength(32);
  });

  it('keeps versions and key numbers from one snapshot to the next', () => {
    const registries = testRegistries();
    const first = compile(parse(base), registries);
    const second = compile(
      parse(base.replace('requests: 50,', 'requests: 60,').replace('name: two', 'name: new')),
      registries,
    );
    expect(second.generation).toBe(first.generation + 1);
    const changed = second.rules.filter((rule, index) => rule.version !== first.rules[index]?.version);
    expect(changed.map(({ name }) => name)).toEqual(['group:read']);
    // Above the slots for quotas, of which `three` has the first.
    expect(['one', 'three', 'new'].map((name) => registries.keys.find(name))).toEqual([1024, 0, 1027]);
    expect(versionsOf(second).size).toBe(new Set(second.rules.map((rule) => rule.version)).size);
  });

  it('hashes what a config means, not how it is written', () => {
    expect(configHash(parse(base))).toBe(configHash(parse(`# other\n${base.replace('1m,', '60s,')}`)));
    expect(configHash(parse(base))).not.toBe(configHash(parse(base.replace('uv4', 'uv5'))));
  });
});

describe('key numbers', () => {
  it('of quotas are given again only when all slots are taken, those gone longest first', () => {
    const { keys } = testRegistries(3);
    expect(['a', 'b', 'c'].map((name) => keys.numberOf(name, true))).toEqual([0, 1, 2]);
    keys.release('a');
    keys.release('b');
    expect(keys.numberOf('a', true)).toBe(0);
    expect(keys.numberOf('d', true)).toBe(1);
    expect(keys.find('b')).toBeUndefined();
    expect(keys.nameOf(1)).toBe('d');
    expect(keys.numberOf('e', true)).toBe(-1);
  });

  it('of keys without a quota take no slot', () => {
    const { keys } = testRegistries(1);
    expect(['a', 'b'].map((name) => keys.numberOf(name, false))).toEqual([1, 2]);
    expect(keys.numberOf('a', true)).toBe(0);
    expect([keys.nameOf(0), keys.nameOf(1), keys.find('a')]).toEqual(['a', undefined, 0]);
    expect(keys.numberOf('a', false)).toBe(0);
    expect(keys.numberOf('b', true)).toBe(-1);
    expect(keys.find('b')).toBe(2);
  });
});

it('keeps floods of callers without a key only where a sink wants them', () => {
  const ofAnonymous = (more: string) => compile(parse(`${base}${more}`), testRegistries()).events.ofAnonymous;
  const none = ofAnonymous('store: sqlite\n');
  for (const type of ['rate_limit.exceeded', 'burst.used', 'burst.depleted', 'method.blocked'])
    expect(none).not.toContain(type);
  expect(none).toContain('quota.exceeded');
  const some = ofAnonymous(
    'store: sqlite\nevents: { sinks: [{ name: a, type: stdout, events: ["burst.*"] }] }\n',
  );
  expect(some).toContain('burst.used');
  expect(some).not.toContain('method.blocked');
});
