import { describe, expect, it } from 'vitest';
import {
  compile,
  type Config,
  configHash,
  formatProblem,
  parseConfig,
  type PolicySnapshot,
} from './index.ts';
import { createSlotRegistry, NETWORK_SLOTS, UPSTREAM_SLOTS } from './registries.ts';
import { testRegistries } from './testing/registries.ts';

function parse(text: string): Config {
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

const compiled = (text: string): PolicySnapshot => compile(parse(text), testRegistries());
const one = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';

describe('compileNetworks', () => {
  it('gives one node sane defaults', () => {
    const { networks, chargeCached, methods } = compiled(one);
    const { upstreams, ...network } = networks[0]!;
    expect(network).toEqual({
      index: 0,
      name: 'default',
      path: '/',
      slot: 0,
      kind: 'ethereum',
      chainId: null,
      timeoutMs: 60_000,
      maxBlockLag: 5,
      health: { intervalMs: 2000, timeoutMs: 2000, call: null },
      breaker: { windowMs: 10_000, failures: 10, failureRate: 0.5, openMs: 5000, trials: 3 },
      retry: { attempts: 3, backoffMs: 50, backoffMaxMs: 1000, budget: 0.1 },
      hedge: null,
      shed: { queue: 1000, queueTimeoutMs: 2000, reserve: 0.1, maxInFlightPerCaller: 0 },
      cache: {
        maxBytes: 67_108_864,
        maxEntryBytes: 1_048_576,
        headTtlMs: 1000,
        finalityDepth: 64,
        methods: [],
        shared: null,
      },
      coalesce: true,
      subscriptions: { pollIntervalMs: 1000, maxBackfill: 1000 },
    });
    expect(upstreams[0]).toMatchObject({
      slot: 0,
      tier: 'primary',
      weight: 1,
      http2: false,
      ca: null,
      authorization: null,
      batch: { maxSize: 20, maxBytes: 262_144, maxWaitMs: 0 },
      maxInFlight: 0,
      requestsPerSecond: 0,
      methods: { allowed: [], denied: [] },
      archive: true,
    });
    expect(chargeCached).toBe(1);
    expect(methods.transactions).toContain('eth_sendRawTransaction');
  });

  it('takes settings of the top for each network, and the network’s own before them, field by field', () => {
    const { networks } = compiled(`
timeout: 10s
chain_id: 1
retry: { attempts: 5, budget: 20% }
hedge: { enabled: true, quantile: 99% }
cache: { enabled: false }
health: { interval: 5s, call: { method: up, params: { a: [1] } } }
networks:
  a: { upstreams: [{ url: "http://127.0.0.1:1" }, { url: "http://127.0.0.1:2" }] }
  b:
    timeout: 5s
    chain_id: none
    retry: { budget: 0% }
    hedge: { enabled: false }
    cache: { enabled: true, methods: { x_*: 5s, y: forever, z: off } }
    health: { call: none }
    upstreams: [{ url: "http://127.0.0.1:1" }]
`);
    expect(networks[0]).toMatchObject({
      timeoutMs: 10_000,
      chainId: 1,
      retry: { attempts: 5, backoffMs: 50, budget: 0.2 },
      hedge: { quantile: 0.99, minDelayMs: 10, maxDelayMs: 2000 },
      cache: null,
      health: { intervalMs: 5000, call: { method: 'up', params: '{"a":[1]}' } },
    });
    expect(networks[1]).toMatchObject({
      timeoutMs: 5000,
      chainId: null,
      retry: { attempts: 5, backoffMs: 50, budget: 0 },
      hedge: null,
      cache: {
        methods: [
          { pattern: 'x_*', ttlMs: 5000 },
          { pattern: 'y', ttlMs: Number.MAX_SAFE_INTEGER },
          { pattern: 'z', ttlMs: 0 },
        ],
      },
      health: { intervalMs: 5000, call: null },
    });
  });

  it('holds the settings at the top for upstreams alone', () => {
    expect(compiled(`chain_id: 0xaa36a7\nkind: ethereum\ncoalesce: false\n${one}`).networks[0]).toMatchObject(
      {
        name: 'default',
        chainId: 11_155_111,
        coalesce: false,
      },
    );
  });

  it('says upstreams’ fields in the workers’ terms', () => {
    const { networks } = compiled(`
upstreams:
  - url: https://a.internal
    weight: 2.5
    http2: true
    auth: { basic: { user: me, password: "p:w" } }
    requests_per_second: 0.5
    max_in_flight: 7
    methods: { allowed: [eth_*], denied: [eth_getLogs, debug_*] }
    lacks: [debug, trace, archive]
    mode: batched
    batch: { max_wait: 3ms }
  - { url: "https://b.internal", tier: fallback, auth: { bearer: token-1 } }
  - { url: "https://u:p@c.internal" }
`);
    expect(networks[0]?.upstreams[0]).toMatchObject({
      weight: 2.5,
      http2: true,
      authorization: `Basic ${Buffer.from('me:p:w').toString('base64')}`,
      requestsPerSecond: 0.5,
      maxInFlight: 7,
      methods: { allowed: ['eth_*'], denied: ['eth_getLogs', 'debug_*', 'trace_*'] },
      archive: false,
      batch: { maxWaitMs: 3 },
    });
    expect(networks[0]?.upstreams[1]).toMatchObject({
      tier: 'fallback',
      authorization: 'Bearer token-1',
      archive: true,
    });
    expect(networks[0]?.upstreams[2]?.authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });

  it('a cache smaller than the default entry takes no entry larger than itself', () => {
    expect(compiled(`cache: { max_bytes: 64KiB }\n${one}`).networks[0]?.cache?.maxEntryBytes).toBe(65_536);
  });

  it.each([
    'timeout: 5s',
    'chain_id: 1',
    'kind: generic',
    'health: { call: { method: a } }',
    'breaker: { open: 6s }',
    'hedge: { enabled: true }',
    'shed: { queue: 1 }',
    'cache: { methods: { eth_call: off } }',
    'coalesce: false',
    'methods: { critical: [eth_call] }',
    'limits: { charge_cached: 50% }',
  ])('%s changes the config’s hash', (line) => {
    expect(configHash(parse(one + line))).not.toBe(configHash(parse(one)));
  });

  it('the same said at the top or in the network is the same config', () => {
    const at = (top: string, own: string): string =>
      configHash(parse(`${top}networks: { a: { ${own}upstreams: [{ url: "http://127.0.0.1:1" }] } }\n`));
    expect(at('retry: { attempts: 2 }\n', '')).toBe(at('', 'retry: { attempts: 2 }, '));
  });
});

describe('slots', () => {
  const networks = (...names: string[]): string =>
    `networks:\n${names.map((name) => `  ${name}: { upstreams: [{ name: n, url: "http://127.0.0.1:1" }] }\n`).join('')}`;

  it('hold as long as a name lives, whatever its place', () => {
    const registries = testRegistries();
    const slots = (text: string): Record<string, [number, number]> =>
      Object.fromEntries(
        compile(parse(text), registries).networks.map((one) => [
          one.name,
          [one.slot, one.upstreams[0]!.slot],
        ]),
      );
    expect(slots(networks('a', 'b'))).toEqual({ a: [0, 0], b: [1, 1] });
    expect(slots(networks('b'))).toEqual({ b: [1, 1] });
    expect(slots(networks('c', 'b'))).toEqual({ c: [2, 2], b: [1, 1] });
    expect(slots(networks('a', 'c', 'b'))).toEqual({ a: [0, 0], c: [2, 2], b: [1, 1] });
  });

  it('never go beyond their number, however many names come and go', () => {
    const slots = createSlotRegistry(NETWORK_SLOTS);
    for (let round = 0; round < 20; round += 1) {
      const names = Array.from({ length: NETWORK_SLOTS - round }, (_, i) => `${round}-${i}`);
      slots.retain(new Set(names));
      const numbers = new Set(names.map((name) => slots.numberOf(name)));
      expect(numbers.size).toBe(names.length);
      expect(Math.max(...numbers)).toBeLessThan(NETWORK_SLOTS);
    }
  });

  it('are enough, or the config is refused', () => {
    const many = (count: number, upstreams: number): string[] => {
      const list = Array.from({ length: upstreams }, (_, i) => `{ url: "http://127.0.0.1:${i + 1}" }`).join();
      const text = Array.from({ length: count }, (_, i) => `  n${i}: { upstreams: [${list}] }\n`).join('');
      const options = { env: {}, file: 'c.yaml', directory: '/etc' };
      const result = parseConfig(`networks:\n${text}`, options);
      return result.ok ? [] : result.problems.map(formatProblem);
    };
    expect(many(NETWORK_SLOTS, 4)).toEqual([]);
    expect(many(NETWORK_SLOTS + 1, 1)).toEqual([
      'c.yaml:1:1: error: networks: 257 networks: there is room for 256',
    ]);
    expect(many(UPSTREAM_SLOTS / 16 + 1, 16)).toEqual([
      'c.yaml:1:1: error: networks: 1040 upstreams in all: there is room for 1024 (run a second gateway for some networks)',
    ]);
  });
});
