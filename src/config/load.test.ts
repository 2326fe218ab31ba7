import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Config, createConfig, createKeyMemo, formatProblem, loadConfig, parseConfig } from './index.ts';

const upstream = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';

function parse(text: string, env: Record<string, string> = {}): Config {
  const result = parseConfig(text, { env, file: 'c.yaml', directory: '/etc/polymorph' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

function warningsOf(text: string): string[] {
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.warnings().map(formatProblem);
}

describe('parseConfig', () => {
  it('reads the shape of the product’s description', () => {
    const config = parse(
      `
server:
  listen: 127.0.0.1:8540
  workers: auto                  # data-plane threads; auto = one per core
  trusted_proxies: [10.0.0.0/8]
  max_body_bytes: 1MiB
  max_batch_size: 100
admin:
  listen: 127.0.0.1:9540              # elsewhere than loopback only with a token
  token: \${ADMIN_TOKEN:-}
networks:
  mainnet:
    path: /eth                   # and /eth/<key>
    upstreams:
      - url: http://127.0.0.1:8545
        mode: single             # single | pipelined | batched
methods:
  groups:
    read: [eth_get*, eth_call]
    logs: [eth_getLogs]
  costs: { eth_getLogs: 10 }
  blocked: [admin_*, personal_*]
limits:
  default: { requests: 100, period: 1s, burst_size: 50 }     # up to 250 in the first second, then 100/s
  groups:  { read: { requests: 500, period: 1s, burst_size: 100 } }
  methods: { eth_getLogs: { requests: 10, period: 1s, mode: shadow } }
  ceilings:
    - { name: per-address, per: address, requests: 1000, period: 1s }   # per: address | key | network | global
keys:
  - name: acme
    key: \${ACME_KEY}             # or sha256: <hex>
    limits:
      default: { requests: 500, period: 1s }
      groups:  { logs: { requests: 2, period: 1s } }
      methods: { eth_call: { requests: 1000, period: 1m, burst_size: 100 } }
    quota: { requests: 1000000, period: month, warn_at: [80, 95] }
`,
      { ACME_KEY: 'abcdefghijklmnopqrstuv1' },
    );
    expect(config.networks).toMatchObject([{ name: 'mainnet', path: '/eth' }]);
    expect(config.admin.token).toBeNull();
    expect(config.keys[0]?.quota).toEqual({
      requests: 1_000_000,
      cost: null,
      period: 'month',
      warn_at: [80, 95],
    });
  });

  it('fills in every default', () => {
    const config = parse(upstream);
    expect(config.server).toMatchObject({
      listen: { host: '127.0.0.1', port: 8540 },
      workers: 'auto',
      tls: null,
      max_body_bytes: 1_048_576,
      max_batch_size: 100,
      header_timeout: 5000,
      request_timeout: 10_000,
      state_dir: '/etc/polymorph/.polymorph',
    });
    expect(config.admin.listen).toEqual({ host: '127.0.0.1', port: 9540 });
    expect(config.limits.default).toEqual([
      { requests: 100, period: 1000, burst_size: 50, mode: 'enforce', consistency: 'leased', network: null },
    ]);
    expect(config.networks).toMatchObject([
      {
        name: 'default',
        path: '/',
        upstreams: [{ name: '127.0.0.1:8545', mode: 'single', max_idle: 50, idle_timeout: 90_000 }],
      },
    ]);
    expect(config.explain).toEqual({ keep: 900_000, sample: 0.01, max_records: 10_000 });
    expect(JSON.stringify(config)).not.toContain('undefined');
  });

  it('is frozen all the way down', () => {
    const config = parse(`${upstream}keys: [{ name: a, key: abcdefghijklmnopqrstuv1 }]\n`);
    const open: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    walk(config, 'config');
    expect(open).toEqual([]);
  });

  it('takes empty sections for absent ones', () => {
    expect(parse(`${upstream}server:\nlimits: {}\nkeys:\nmethods:\n  groups:\n`)).toEqual(parse(upstream));
  });

  it('takes limits.default: none and one rule or a list', () => {
    expect(parse(`${upstream}limits: { default: none }`).limits.default).toEqual([]);
    const one = parse(`${upstream}limits: { default: { requests: 5, period: 1s } }`);
    expect(parse(`${upstream}limits: { default: [{ requests: 5, period: 1s }] }`)).toEqual(one);
  });

  it('takes numbers, durations, sizes, flags and lists’ items from the environment', () => {
    const env = { N: '7', D: '250ms', S: '64KiB', F: 'false', C: '10.0.0.0/8', P: '5%' };
    const config = parse(
      `${upstream}server:\n  max_batch_size: \${N}\n  header_timeout: \${D}\n  max_body_bytes: \${S}\n  workers: \${W:-3}\n  trusted_proxies: ["\${C}"]\nexplain: { sample: "\${P}" }\nkeys:\n  - name: a\n    key: abcdefghijklmnopqrstuv1\n    enabled: \${F}\n`,
      env,
    );
    expect(config.server).toMatchObject({
      max_batch_size: 7,
      header_timeout: 250,
      max_body_bytes: 65_536,
      workers: 3,
      trusted_proxies: ['10.0.0.0/8'],
    });
    expect(config.explain.sample).toBe(0.05);
    expect(config.keys[0]?.enabled).toBe(false);
  });

  it('keeps keys of digits only, from the environment, as text', () => {
    const a = parse(`${upstream}keys:\n  - name: a\n    key: \${K}\n`, { K: '1234567890123456789012' });
    const b = parse(`${upstream}keys:\n  - name: a\n    key: "1234567890123456789012"\n`);
    expect(a.keys[0]?.digest).toBe(b.keys[0]?.digest);
  });

  it('reads anchors and aliases, and bounds what they add up to', () => {
    const config = parse(
      `${upstream}limits:\n  default: &r { requests: 5, period: 1s }\n  methods: { eth_call: *r }\n`,
    );
    expect(config.limits.methods.eth_call).toEqual(config.limits.default);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) {
      bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`);
    }
    const before = performance.now();
    const result = parseConfig(`methods:\n  groups:\n${bomb.map((line) => `    ${line}`).join('\n')}\n`, {
      env: {},
      file: 'c.yaml',
      directory: '/',
    });
    expect(result.ok).toBe(false);
    expect(performance.now() - before).toBeLessThan(5000);
    if (!result.ok) {
      expect(result.problems.map(formatProblem).join('\n')).toContain(
        'aliases add up to more than 100000 values',
      );
    }
  });

  it('pollutes no prototype', () => {
    for (const text of [
      '__proto__: { polluted: 1 }',
      'server: { "__proto__": { polluted: 1 } }',
      'constructor: { prototype: { polluted: 1 } }',
    ]) {
      expect(parseConfig(upstream + text, { env: {}, file: 'c', directory: '/' }).ok).toBe(false);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect('polluted' in {}).toBe(false);
    const config = parse(
      `${upstream}methods: { groups: { constructor: [a_*], toString: [b_*] } }\nlimits: { groups: { constructor: { requests: 5, period: 1s } } }`,
    );
    expect(Object.keys(config.methods.groups)).toEqual(['constructor', 'toString']);
  });

  it('gives the same config with and without a memo, whatever changed', () => {
    const memo = createKeyMemo();
    const key = (n: number, more = ''): string =>
      `  - name: k${n}\n    key: abcdefghijklmnopqrstuv${n}\n${more}`;
    const texts = [
      key(1) + key(2) + key(3),
      key(1) + key(2, '    enabled: false\n') + key(3),
      key(3) + key(1),
      key(1) + key(1),
      key(3) + key(1),
    ].map((keys) => `${upstream}keys:\n${keys}`);
    for (const text of texts) {
      const options = { env: {}, file: 'c', directory: '/' };
      const [plain, remembered] = [parseConfig(text, options), parseConfig(text, { ...options, memo })];
      expect(remembered.ok).toBe(plain.ok);
      if (plain.ok && remembered.ok) expect(remembered.config).toEqual(plain.config);
      else if (!plain.ok && !remembered.ok) expect(remembered.problems).toEqual(plain.problems);
    }
    const twice = [0, 1].map(() => parseConfig(texts[0]!, { env: {}, file: 'c', directory: '/', memo }));
    const [first, second] = twice.map((result) => (result.ok ? result.config.keys[0] : undefined));
    expect(second).toBe(first);
  });
});

describe('warnings', () => {
  it.each([
    [
      'trust of everybody',
      'server:\n  trusted_proxies: [0.0.0.0/0]\n',
      'c.yaml:3:21: warning: server.trusted_proxies[0]: 0.0.0.0/0 trusts every peer',
    ],
    ['deny without keys', 'identity:\n  anonymous: deny\n', 'nobody can call'],
    [
      'a rule that never applies',
      'limits:\n  default:\n    - { requests: 5, period: 1s }\n    - { requests: 6, period: 1s }\n',
      'c.yaml:5:7: warning: limits.default[1]: never applies: the rule on line 4 comes first',
    ],
    [
      'a default that never applies',
      'limits:\n  default: { requests: 5, period: 1s }\n  methods: { "*": { requests: 5, period: 1s } }\n',
      'c.yaml:3:3: warning: limits.default: never applies',
    ],
    [
      'a group whose patterns have rules',
      'methods: { groups: { logs: [eth_getLogs] } }\nlimits:\n  groups: { logs: { requests: 5, period: 1s } }\n  methods: { eth_getLogs: { requests: 5, period: 1s } }\n',
      'limits.groups.logs: never applies',
    ],
    [
      'a rule for what is blocked',
      'methods: { blocked: [admin_*] }\nlimits:\n  methods: { admin_peers: { requests: 5, period: 1s } }\n',
      'every method it fits is blocked by admin_*',
    ],
    [
      'a pattern in two groups',
      'methods:\n  groups:\n    a: [eth_*]\n    b: [eth_*]\n',
      'c.yaml:5:9: warning: methods.groups.b[0]: eth_* belongs to group a',
    ],
    [
      'shadows only',
      'limits:\n  default: { requests: 5, period: 1s, mode: shadow }\n',
      'every rule is a shadow: nothing is limited',
    ],
    [
      'a key with a wrong checksum',
      'keys:\n  - { name: a, key: pp_live_0000000000000000000000000000 }\n',
      'its checksum is wrong',
    ],
    ['admin beyond loopback', 'admin: { listen: 192.0.2.1:9540, token: 0123456789abcdef }\n', 'in the clear'],
  ])('%s', (_, text, message) => {
    expect(warningsOf(upstream + text).join('\n')).toContain(message);
  });

  it('tell of a method that a key’s own rule shuts off', () => {
    const text = `methods: { costs: { eth_getLogs: 20 } }\nkeys:\n  - name: a\n    key: abcdefghijklmnopqrstuv1\n    limits:\n      default: { requests: 15, period: 1s }\n`;
    expect(warningsOf(upstream + text)).toEqual([
      'c.yaml:7:16: warning: keys[0].limits.default: a call of eth_getLogs costs 20, but this bucket holds 15: it would never be let through (raise burst_size to 5, or lower the cost)',
    ]);
  });

  it('tell of each key, where several have the same limits', () => {
    const key = (name: string, at: number): string =>
      `  - name: ${name}\n    key: abcdefghijklmnopqrstuv${at}\n    limits:\n      methods: { admin_*: { requests: 5, period: 1s } }\n`;
    const text = `methods: { blocked: [admin_*] }\nkeys:\n${key('a', 1)}${key('b', 2)}`;
    const said = 'never applies: every method it fits is blocked by admin_*';
    expect(warningsOf(upstream + text)).toEqual([
      `c.yaml:7:18: warning: keys[0].limits.methods.admin_*: ${said}`,
      `c.yaml:11:18: warning: keys[1].limits.methods.admin_*: ${said}`,
    ]);
  });

  it('tell of credentials over plain http, and not of those on this machine or over TLS', () => {
    expect(warningsOf('upstreams:\n  - url: http://u:p@node.internal\n').join()).toContain(
      'credentials cross the network in the clear',
    );
    expect(warningsOf('upstreams:\n  - url: http://u:p@127.0.0.1:8545\n')).toEqual([]);
    expect(warningsOf('upstreams:\n  - url: https://u:p@node.internal\n')).toEqual([]);
  });

  it('are none for a sound config', () => {
    expect(
      warningsOf(
        `${upstream}limits:\n  default:\n    - { requests: 5, period: 1s, mode: shadow }\n    - { requests: 6, period: 1s }\n`,
      ),
    ).toEqual([]);
  });
});

describe('loadConfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'polymorph-config-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const env = {};

  it('says why a file cannot be read', () => {
    const load = (file: string): string[] => {
      const result = loadConfig(file, { env });
      return result.ok ? [] : result.problems.map(formatProblem);
    };
    expect(load(join(directory, 'none.yaml'))).toEqual([
      `${join(directory, 'none.yaml')}: error: no such file`,
    ]);
    expect(load(directory)).toEqual([`${directory}: error: is a folder, not a file`]);
    const binary = join(directory, 'binary.yaml');
    writeFileSync(binary, Buffer.from([0xff, 0xfe, 0x00]));
    expect(load(binary)).toEqual([`${binary}: error: the file is not valid UTF-8`]);
  });

  it('names the files to watch', () => {
    const file = join(directory, 'a.yaml');
    writeFileSync(file, `${upstream}server: { tls: { cert: c.pem, key: k.pem } }\n`);
    expect(loadConfig(file, { env }).files).toEqual([
      file,
      join(directory, 'c.pem'),
      join(directory, 'k.pem'),
    ]);
  });
});

describe('createConfig', () => {
  it('checks plain data as a file', () => {
    const good = createConfig(
      { upstreams: [{ url: 'http://127.0.0.1:8545' }] },
      { name: '--upstream', directory: '/x' },
    );
    expect(good.ok && good.config.networks[0]?.upstreams[0]?.url.port).toBe(8545);
    const bad = createConfig(
      { upstreams: [{ url: '127.0.0.1:8545' }] },
      { name: '--upstream', directory: '/x' },
    );
    expect(bad.ok ? [] : bad.problems.map(formatProblem)).toEqual([
      '--upstream: error: upstreams[0].url: found text of 14 characters, expected a URL such as http://127.0.0.1:8545 (begin it with http:// or https://)',
    ]);
  });
});
