import { describe, expect, it } from 'vitest';
import { type Config, formatProblem, parseConfig, planChange } from '../index.ts';
import { certA, keyA } from '../testing/certificates.ts';

const K = 'abcdefghijklmnopqrstuv';

function parse(text: string): Config {
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

const plan = (from: string, to: string): ReturnType<typeof planChange> => planChange(parse(from), parse(to));
const up = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';

describe('planChange', () => {
  it('says nothing of what means the same', () => {
    expect(
      plan(up, `# c\nlimits: { default: { requests: 100, period: 1000ms, burst_size: 50 } }\n${up}`),
    ).toEqual({
      changes: [],
      restartNeeded: [],
    });
  });

  it.each([
    [
      'a changed rule',
      'limits: { default: { requests: 5, period: 1s } }',
      'limits: { default: { requests: 9, period: 1s } }',
      [
        'Rule default of all callers changes from 5 per 1s to 9 per 1s. Its buckets keep how full they are (the ratio).',
      ],
    ],
    [
      'sinks that come, change and go',
      'events: { sinks: [{ name: a, type: stdout }, { name: b, type: stdout }] }',
      'events: { window: 5m, sinks: [{ name: a, type: stdout, rate: 5 }, { name: c, type: database }] }',
      [
        'events.window changes from 1m to 5m.',
        'events.sinks: a changes rate.',
        'events.sinks gains c (database).',
        'events.sinks loses b: what it has not been sent yet is kept as dead letters.',
      ],
    ],
    [
      'a new rule',
      '',
      'limits: { methods: { eth_call: { requests: 9, period: 1m, burst_size: 3 } } }',
      ['Rule method:eth_call of all callers is added: 9 per 1m + 3 burst. Its buckets start full.'],
    ],
    [
      'a shadow turned on',
      'limits: { default: { requests: 5, period: 1s, mode: shadow } }',
      'limits: { default: { requests: 5, period: 1s } }',
      ['Rule default of all callers turns from shadow to enforce. It now refuses. Its buckets are kept.'],
    ],
    [
      'no default any more',
      'limits: { default: { requests: 5, period: 1s } }',
      'limits: { default: none }',
      ['Rule default of all callers is removed (5 per 1s). Its buckets are dropped.'],
    ],
    [
      'a ceiling',
      '',
      'limits: { ceilings: [{ name: a, per: global, requests: 5, period: 1s }] }',
      ['Rule ceiling:a per global is added: 5 per 1s. Its buckets start full.'],
    ],
    [
      'keys',
      `keys: [{ name: a, key: ${K}1 }, { name: b, key: ${K}2 }]`,
      `keys: [{ name: b, key: ${K}2 }, { name: c, key: ${K}3 }]`,
      ['1 key is added: c.', '1 key is removed: a. Their callers get 401.'],
    ],
    [
      'a key’s limits',
      `keys: [{ name: a, key: ${K}1 }]`,
      `keys: [{ name: a, key: ${K}1, limits: { default: { requests: 5, period: 1s } } }]`,
      ['Rule key:default of key a is added: 5 per 1s. Its buckets start full.'],
    ],
    [
      'a disabled key',
      `keys: [{ name: a, key: ${K}1 }]`,
      `keys: [{ name: a, key: ${K}1, enabled: false }]`,
      ['Key a is disabled: its callers get 401.'],
    ],
    [
      'a quota',
      `keys: [{ name: a, key: ${K}1, quota: { requests: 5, period: day } }]`,
      `keys: [{ name: a, key: ${K}1, quota: { requests: 9, period: day } }]`,
      [
        'Key a: the quota changes from 5 requests a day, warning at 80 % to 9 requests a day, warning at 80 %. What is used stays used.',
      ],
    ],
    [
      'settings',
      '',
      'server: { max_body_bytes: 2MiB, idle_timeout: 90s }\nidentity: { anonymous: deny }\nadmin: { token: 0123456789abcdef }',
      [
        'server.max_body_bytes changes from 1MiB to 2MiB.',
        'server.idle_timeout changes from 75s to 90s.',
        'admin.token is set.',
        'identity.anonymous changes from allow to deny.',
      ],
    ],
    [
      'lists',
      'methods: { blocked: [a_*, b_*] }',
      'methods: { blocked: [b_*, c_*] }',
      ['methods.blocked gains c_* and loses a_*.'],
    ],
    [
      'costs',
      'methods: { costs: { a: 2, b: 3 } }',
      'methods: { costs: { a: 4 } }',
      ['methods.costs changes a from 2 to 4, loses b.'],
    ],
  ])('%s', (_, from, to, changes) => {
    expect(plan(`${up}${from}\n`, `${up}${to}\n`).changes).toEqual(changes);
  });

  it('tells a replaced key by its names only', () => {
    const { changes } = plan(`${up}keys: [{ name: a, key: ${K}1 }]`, `${up}keys: [{ name: a, key: ${K}2 }]`);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatch(
      /^Key a is replaced \([0-9a-f]{8}… by [0-9a-f]{8}…\): the old one gets 401 at once\. Its quota goes on\.$/,
    );
  });

  it('tells of alerts by name', () => {
    const having = (...alerts: string[]) => `${up}alerts: [${alerts.join(', ')}]\n`;
    const a = '{ name: a, when: error_ratio > 1% }';
    expect(plan(up, having(a)).changes).toEqual(['alerts gains a (error_ratio > 1%).']);
    expect(plan(having(a), up).changes).toEqual(['alerts loses a: if it fires, it is resolved.']);
    expect(plan(having(a), having('{ name: a, when: error_ratio > 2% }')).changes).toEqual([
      'alerts: a is error_ratio > 2% (was error_ratio > 1%), and begins anew.',
    ]);
    expect(
      plan(having(a), having('{ name: a, when: error_ratio > 1%, severity: critical }')).changes,
    ).toEqual(['alerts: a is told otherwise.']);
  });

  it('tells of another store without its URL', () => {
    const one = `${up}store: postgres://me:first-secret@db/one\n`;
    const two = `${up}store: postgres://me:other-secret@db/two\n`;
    expect(plan(up, one)).toEqual({
      changes: ['store changes from sqlite to postgres.'],
      restartNeeded: ['store changes from sqlite to postgres: it is opened at start.'],
    });
    expect(plan(one, two)).toEqual({
      changes: ['store is another PostgreSQL database.'],
      restartNeeded: ['store is another PostgreSQL database: it is opened at start.'],
    });
    expect(plan(up, `${up}store: sqlite\n`).changes).toEqual([]);
    expect(plan(up, `${up}usage: { when_full: serve_unmetered, keep_hours: 30d }\n`)).toEqual({
      changes: [
        'usage.when_full changes from refuse to serve_unmetered.',
        'usage.keep_hours changes from 90d to 30d.',
      ],
      restartNeeded: [],
    });
  });

  it('tells of another Redis without its passwords', () => {
    const one = `${up}redis: redis://:first-secret@one.internal\n`;
    const plans = [
      [up, one, 'redis is turned on (single)'],
      [
        one,
        `${up}redis: { url: 'redis://one.internal', password: other-secret }\n`,
        'redis is reached otherwise',
      ],
      [one, `${up}redis: { cluster: ['two.internal:6379'] }\n`, 'redis is another one (cluster)'],
      [one, up, 'redis is turned off'],
    ] as const;
    for (const [from, to, change] of plans)
      expect(plan(from, to)).toEqual({
        changes: [`${change}.`],
        restartNeeded: [`${change}: it is connected to at start.`],
      });
    expect(plan(one, one).changes).toEqual([]);
  });

  it('tells of a rule that becomes exact', () => {
    const rule = (more: string) => `${up}limits: { default: { requests: 10, period: 1s${more} } }\n`;
    expect(plan(rule(''), rule(', consistency: exact')).changes).toEqual([
      'Rule default of all callers turns from leased to exact. Its buckets are kept.',
    ]);
    expect(plan(rule(', mode: shadow'), rule(', consistency: exact')).changes).toEqual([
      'Rule default of all callers turns from shadow to enforce. It now refuses. Its buckets are kept.',
      'Rule default of all callers turns from leased to exact. Its buckets are kept.',
    ]);
  });

  it('says what needs a restart', () => {
    const to = `${up}server: { listen: 127.0.0.1:9000, workers: 3, state_dir: none }\nadmin: { listen: none }\nlimits: { table_entries: 4096 }\n`;
    expect(plan(up, to).restartNeeded).toEqual([
      'server.listen changes from 127.0.0.1:8540 to 127.0.0.1:9000: the listener is opened at start.',
      'server.workers changes from auto to 3: threads are started once.',
      'server.state_dir changes from /etc/.polymorph to none: saved state is found at start.',
      'admin.listen changes from 127.0.0.1:9540 to none: the listener is opened at start.',
      'store changes from sqlite to none: it is opened at start.',
      'limits.table_entries changes from 2097152 to 4096: the table is one piece of shared memory.',
    ]);
  });

  it('tells TLS turned on or off, which waits for a restart, from a certificate in another place', () => {
    const tls = (cert: string | null): Config => {
      const files = { '/etc/a.pem': certA, '/etc/b.pem': certA, '/etc/key.pem': keyA };
      const result = parseConfig(
        cert === null ? up : `${up}server: { tls: { cert: ${cert}, key: key.pem } }`,
        {
          env: {},
          file: 'c.yaml',
          directory: '/etc',
          readFile: (path) => Buffer.from(files[path as keyof typeof files]),
        },
      );
      if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
      return result.config;
    };
    expect(planChange(tls(null), tls('a.pem'))).toEqual({
      changes: ['server.tls is turned on.'],
      restartNeeded: ['server.tls is turned on: connections are either all TLS or none.'],
    });
    expect(planChange(tls('a.pem'), tls('b.pem'))).toEqual({
      changes: ['server.tls.cert changes from /etc/a.pem to /etc/b.pem.'],
      restartNeeded: [],
    });
  });

  it('tells of networks and upstreams', () => {
    const from =
      'networks:\n  a: { path: /a, upstreams: [{ name: n, url: http://127.0.0.1:1 }] }\n  b: { upstreams: [{ url: http://127.0.0.1:2 }] }\n';
    const to =
      'networks:\n  a: { path: /x, upstreams: [{ name: n, url: http://127.0.0.1:3, mode: pipelined }] }\n  c: { upstreams: [{ url: http://127.0.0.1:2 }] }\n';
    expect(plan(from, to).changes).toEqual([
      'Network a moves from /a to /x: callers of the old path get 404.',
      'Upstream n of network a moves from http://127.0.0.1:1 to http://127.0.0.1:3: its connections are opened anew.',
      'Upstream n of network a: mode changes from single to pipelined.',
      'Network a has other nodes: cached answers are dropped.',
      'Network c is added at /c, calling http://127.0.0.1:2.',
      'Network b is removed: callers of /b get 404.',
    ]);
  });

  it('tells of settings at the top once, with the networks they change', () => {
    const networks = (own: string): string =>
      `networks:\n  a: { ${own}upstreams: [{ url: "http://127.0.0.1:1" }] }\n  b: { upstreams: [{ url: "http://127.0.0.1:2" }] }\n`;
    const to = `chain_id: 5\nretry: { budget: 20%, backoff: 10ms }\nhealth: { call: { method: up } }\ncache: { methods: { eth_call: 5s, eth_chainId: forever } }\ncoalesce: false\n${networks('retry: { budget: 10% }, ')}`;
    expect(plan(networks(''), to).changes).toEqual([
      'Networks a, b: chain_id changes from none to 5. Its cache is dropped and its upstreams are checked anew; connections are kept.',
      'Networks a, b: health.call changes from none to up [].',
      'Networks a, b: retry.backoff changes from 50ms to 10ms.',
      'Networks a, b: cache.methods gains eth_call (5s), gains eth_chainId (forever). Cached answers are dropped.',
      'Networks a, b: coalesce changes from true to false.',
      'Network b: retry.budget changes from 10% to 20%.',
    ]);
  });

  it('tells of an upstream’s fields, and what becomes of its connections', () => {
    const list = (fields: string): string =>
      `upstreams: [{ name: n, url: "https://node.internal"${fields} }, { url: "https://other.internal" }]\n`;
    const to = list(
      ', tier: fallback, weight: 2.5, http2: true, auth: { bearer: canary-9 }, requests_per_second: 25, max_in_flight: 9, methods: { allowed: [eth_*] }, lacks: [trace], mode: batched, batch: { max_wait: 2ms }',
    ).replace('other.internal"', 'other.internal", weight: 2');
    const { changes } = plan(list(''), to);
    const n = 'Upstream n of network default';
    expect(changes).toEqual([
      `${n} is called with other credentials. Its connections are kept.`,
      `${n}: tier changes from primary to fallback.`,
      `${n}: weight changes from 1 to 2.5.`,
      `${n}: mode changes from single to batched.`,
      `${n}: http2 changes from off to on: its connections are opened anew.`,
      `${n}: requests_per_second changes from no bound to 25.`,
      `${n}: max_in_flight changes from no bound to 9.`,
      `${n}: batches change from at most 20 calls and 256KiB, waiting 0 to 20 calls and 256KiB, waiting 2ms.`,
      `${n}: methods.allowed gains eth_*.`,
      `${n}: lacks gains trace.`,
      'Upstream other.internal of network default: weight changes from 1 to 2.',
    ]);
    expect(plan(to, list('')).changes[0]).toBe(
      `${n} is called without credentials. Its connections are kept.`,
    );
  });

  it('tells of other certificates, in another file or in the same', () => {
    const config = (ca: string, contents: string): Config => {
      const text = `upstreams: [{ name: n, url: "https://node.internal"${ca} }]`;
      const readFile = (): Buffer => Buffer.from(contents);
      const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc', readFile });
      if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
      return result.config;
    };
    const [one, two] = [config(', tls: { ca: a.pem }', certA), config(', tls: { ca: a.pem }', certA + certA)];
    const opened = 'are trusted from now on: its connections are opened anew.';
    expect(planChange(one, two).changes).toEqual([
      `Upstream n of network default: the certificates in /etc/a.pem ${opened}`,
    ]);
    expect(planChange(one, config('', '')).changes).toEqual([
      `Upstream n of network default: the system’s certificates ${opened}`,
    ]);
    expect(planChange(one, one).changes).toEqual([]);
  });

  it('sums up when very many keys change', () => {
    const keys = (requests: number): string =>
      Array.from(
        { length: 30 },
        (_, i) =>
          `  - { name: k${i}, key: ${K}${i}, limits: { default: { requests: ${requests}, period: 1s } } }\n`,
      ).join('');
    const { changes } = plan(`${up}keys:\n${keys(1)}`, `${up}keys:\n${keys(2)}`);
    expect(changes).toEqual(['30 keys change: k0, k1, k2, k3, k4, k5, k6, k7 and 22 more.']);
  });
});
