import { describe, expect, it } from 'vitest';
import { compile, formatProblem, parseConfig, planChange, renderProblem } from './index.ts';
import { maskSecrets } from './mask.ts';
import { testRegistries } from './testing/registries.ts';

const canaries = [
  'canaryKeyAAAAAAAAAAAAAAAA1',
  'canaryTokenBBBBBBBBBBBB2',
  'canaryPasswordC3',
  'canaryHeaderD4',
  'canaryPathE5E5E5E5E5E5',
  'canaryBearerF6',
  'canaryBasicG7',
  'canarySocketPathH8H8H8H8',
  'canarySocketPasswordI9',
  'canaryStoreJ10',
  'canaryHookPathK11K11',
  'canaryHookHeaderL12',
  'canaryHookSecretM13M13M13M13M13M',
  'canaryRedisN14',
  'canarySentinelO15',
];
const [
  key,
  token,
  password,
  header,
  path,
  bearer,
  basic,
  socketPath,
  socketPassword,
  store,
  hookPath,
  hookHeader,
  hookSecret,
  redis,
  sentinel,
] = canaries;

const good = `
admin: { token: ${token} }
upstreams:
  - url: http://user:${password}@127.0.0.1:8545/v3/${path}
    ws_url: ws://me:${socketPassword}@127.0.0.1:8546/ws/${socketPath}
    headers: { x-node: ${header} }
  - { url: https://two.internal, auth: { bearer: ${bearer} } }
  - url: https://three.internal
    auth:
      basic:
        user: me
        password: ${basic}
keys:
  - { name: acme, key: ${key} }
store: postgres://me:${store}@db.internal/polymorph
redis: { sentinels: [one.internal:26379], name: main, password: ${redis}, sentinel_password: ${sentinel} }
events:
  sinks:
    - name: hook
      type: webhook
      url: https://hooks.internal/x/${hookPath}
      secrets: [whsec_${hookSecret}w=]
      headers: { x-hook: ${hookHeader} }
`;
const options = { env: {}, file: 'c.yaml', directory: '/nowhere' };

function leaks(text: string): string[] {
  return canaries.filter((canary) => text.includes(canary));
}

describe('secrets', () => {
  it('stay out of the problems of any one broken line', () => {
    const lines = good.split('\n');
    const breaks = [
      (line: string) => line.replace(/(\w+):/, 'x$1:'),
      (line: string) => `${line}\n${line}`,
      (line: string) => `\t${line}`,
      (line: string) => line.replace('{', ''),
      (line: string) => line.replace('}', ''),
      (line: string) => line.replace(/: (\S+)/, ': [$1]'),
      (line: string) => line.replace('http:', 'htp:'),
      (line: string) => line.replace(/canary\w+/, '"$& \u00e9"'),
    ];
    let problems = 0;
    for (const [index] of lines.entries()) {
      for (const broken of breaks) {
        const text = lines.map((line, at) => (at === index ? broken(line) : line)).join('\n');
        const result = parseConfig(text, options);
        const told = result.ok ? result.warnings() : result.problems;
        problems += told.length;
        for (const problem of told) {
          expect(leaks(formatProblem(problem))).toEqual([]);
          expect(leaks(renderProblem(problem, text))).toEqual([]);
        }
      }
    }
    expect(problems).toBeGreaterThan(20);
  });

  it('are in the config and the snapshot only where calls need them', () => {
    const result = parseConfig(good, options);
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join());
    expect(leaks(JSON.stringify(result.config))).toEqual([
      ...[header, path, bearer, socketPath, store],
      ...[hookPath, hookHeader, hookSecret],
      ...[redis, sentinel],
    ]);
    const snapshot = compile(result.config, testRegistries());
    const upstream = snapshot.networks[0]?.upstreams[0];
    expect(upstream?.url).toBe('http://127.0.0.1:8545');
    expect(upstream?.authorization).toBe(`Basic ${Buffer.from(`user:${password}`).toString('base64')}`);
    expect(upstream?.ws?.authorization).toBe(
      `Basic ${Buffer.from(`me:${socketPassword}`).toString('base64')}`,
    );
    expect(leaks(JSON.stringify({ ...snapshot, networks: [] }))).toEqual([]);
    expect(Buffer.from(snapshot.keyIndex).includes(key ?? '')).toBe(false);
  });

  it('stay out of plans', () => {
    const from = parseConfig('upstreams: [{ url: "http://127.0.0.1:8545" }]', options);
    const to = parseConfig(good, options);
    const other = parseConfig(good.replaceAll(/canary(\w+)/g, 'another$1'), options);
    if (!from.ok || !to.ok || !other.ok) throw new Error('not good');
    for (const [a, b] of [
      [from, to],
      [to, from],
      [to, other],
    ] as const) {
      const plan = planChange(a.config, b.config);
      expect(plan.changes.length).toBeGreaterThan(0);
      expect(leaks(JSON.stringify(plan))).toEqual([]);
    }
  });

  it('are starred out with their columns kept', () => {
    for (const line of [
      'key: abcdefghijklmnopqrstuvw',
      '- { name: a, key: short, quota: 1 }',
      'url: http://user:pw@host:1/x',
      'token: "hello"',
      'kye: pp_live_0123456789abcdefghijkl',
    ]) {
      const masked = maskSecrets(line);
      expect(masked).toHaveLength(line.length);
      expect(masked).toContain('**');
    }
    for (const line of [
      'key: ${ACME_KEY}',
      'requests: 100',
      'methods: { eth_getTransactionByBlockNumberAndIndex: 5 }',
    ]) {
      expect(maskSecrets(line)).toBe(line);
    }
  });
});
