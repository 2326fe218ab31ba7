import { expect, test } from 'vitest';
import { type ExplainedRecord, type Explanation, formatExplanation } from './format.ts';

const record: ExplainedRecord = {
  requestId: '3k9x-1-2a',
  item: -1,
  alike: 0,
  atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  worker: 1,
  generation: 3,
  transport: 'http',
  lane: 'fast',
  socket: null,
  caller: {
    kind: 'key',
    keyNumber: 4,
    keyPrefix: '4fGh21ab',
    keyName: 'acme',
    foundIn: 'x-api-key',
    address: '192.0.2.1',
  },
  callerRequestId: null,
  network: 'mainnet',
  method: 'eth_getLogs',
  group: 'logs',
  cost: 10,
  rules: [
    {
      name: 'key:eth_getLogs',
      rank: 'key-method',
      mode: 'shadow',
      chosen: false,
      why: 'a shadow rule only reports',
    },
    {
      name: 'key:group:logs',
      rank: 'key-group',
      mode: 'enforce',
      chosen: true,
      why: 'the first that matches',
    },
    { name: 'default', rank: 'default', mode: 'enforce', chosen: false, why: 'a rule before it matched' },
  ],
  buckets: [
    {
      policy: 'key:group:logs',
      kind: 'rule',
      capacity: 20,
      before: 4.128,
      after: 4.128,
      refused: true,
      by: 'memory',
    },
    {
      policy: 'ceiling:per-key',
      kind: 'ceiling',
      capacity: 1000,
      before: 998,
      after: 998,
      refused: false,
      by: 'memory',
    },
  ],
  sharing: null,
  quota: { unit: 'requests', limit: 1000, used: 12, period: 'month', resetsAt: '2026-02-01T00:00:00Z' },
  userQuota: null,
  outcome: 'exceeded',
  refusal: 'rate_limited',
  reason: null,
  retryAfterMs: 2936,
  answeredFrom: null,
  upstream: null,
  totalMs: 0.214,
};

function explain(
  changes: Partial<ExplainedRecord>,
  kind: Explanation['kind'] = 'recorded',
  answered = 2,
): string {
  return formatExplanation({
    kind,
    requestId: null,
    records: [{ ...record, ...changes }],
    workers: { asked: 2, answered },
  });
}

test('a refusal, whole', () => {
  expect(explain({})).toBe(`Request 3k9x-1-2a
eth_getLogs on mainnet (group logs, cost 10)
2026-01-02T03:04:05.678Z, http fast lane, worker 1, policy 3
Outcome: refused by a rate limit, rate_limited (HTTP 429); enough tokens in 2.9 s

Caller
  key "acme" (4fGh21ab…), found in X-API-Key, from 192.0.2.1

Rules, in the order they were looked at
  -  key:eth_getLogs  shadow  a shadow rule only reports
  >  key:group:logs           the first that matches
  -  default                  a rule before it matched

Buckets, in tokens
  key:group:logs   rule     4.12 -> 4.12 of 20  refused here
  ceiling:per-key  ceiling  998 -> 998 of 1000

Quota
  12 of 1000 requests used this month, starts again 2026-02-01T00:00:00Z

Time
  0.21 ms from the whole request to its answer
`);
});

test('quotas of key and user, which of them there are', () => {
  const userQuota = { ...record.quota!, unit: 'cost', limit: 9000, used: 8999, period: 'day' } as const;
  const ends = 'starts again 2026-02-01T00:00:00Z';
  expect(explain({ userQuota })).toContain(`Quota
  key: 12 of 1000 requests used this month, ${ends}
  user, all keys: 8999 of 9000 cost units used this day, ${ends}
`);
  expect(explain({ quota: null, userQuota })).toMatch(/Quota\n {2}user, all keys: 8999 of 9000/);
});

test('buckets that other instances have as well say where they were decided', () => {
  const [rule, ceiling] = record.buckets;
  const text = explain({
    buckets: [
      { ...rule!, by: 'exact' },
      { ...ceiling!, by: 'lease' },
    ],
    sharing: { instances: 3, waitedMs: 1.5 },
  });
  expect(text).toContain(`Buckets, in tokens
  key:group:logs   rule     4.12 -> 4.12 of 20  exact, in Redis  refused here
  ceiling:per-key  ceiling  998 -> 998 of 1000  leased

Other instances
  buckets are shared by 3 instances; the call waited 1.5 ms for them
  tokens of a leased one: what this instance holds, and what Redis had left when it was last asked
`);
  expect(explain({ sharing: { instances: 1, waitedMs: 0 } })).toContain(
    'by 1 instance; the call did not wait for them\n',
  );
});

test('an answered call shows its upstream', () => {
  const text = explain({
    outcome: 'failed',
    refusal: 'upstream_timeout',
    reason: 'no first byte within 30 s',
    retryAfterMs: null,
    upstream: {
      name: 'node-a',
      mode: 'pipelined',
      attempts: 2,
      ms: 30_001,
      failure: 'timeout',
      delivery: null,
    },
  });
  expect(text).toContain('Outcome: failed, upstream_timeout (HTTP 504): no first byte within 30 s\n');
  expect(text).toContain('Answer\n  node-a (pipelined), 2 attempts, 30 s, failed: timeout\n');
});

test('callers without a key, and ones that are refused', () => {
  const caller = {
    kind: 'address',
    keyNumber: -1,
    keyPrefix: '',
    foundIn: null,
    address: '2001:db8::/64',
  } as const;
  expect(explain({ caller })).toContain('  no key; counted by address, from 2001:db8::/64\n');
  expect(explain({ caller: { ...caller, kind: 'unknown', foundIn: 'query' } })).toContain(
    '  not identified, found in the query (api_key), from 2001:db8::/64\n',
  );
});

test('a dry run says that nothing was taken', () => {
  const text = explain({ outcome: 'allowed', refusal: null, retryAfterMs: null, quota: null }, 'dry-run');
  expect(text).toMatch(/^eth_getLogs on mainnet \(group logs, cost 10\), asked now: nothing was taken/);
  expect(text).not.toMatch(/Time|Request/);
  expect(text).toContain('ceiling:per-key  ceiling  998 -> 998 of 1000  if it were sent\n');
});

test('a worker that did not answer is told', () => {
  expect(explain({}, 'recorded', 1)).toContain('1 of 2 workers did not answer in time');
});

test('what a caller chose cannot steer the terminal', () => {
  const text = explain({ method: 'eth_\u001b[31mcall\u202e', callerRequestId: 'a\nb' });
  expect(text).not.toMatch(/\u001b|\u202e|a\nb/);
  expect(text).toContain('eth_\\u{1b}[31mcall\\u{202e}');
});
