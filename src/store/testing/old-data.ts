/** Rows as a program of that version would have left them, with the literals for a time that each dialect has. */
export interface OldData {
  version: number;
  sql(time: (ms: number) => string, postgres: boolean): string;
}

const ada = '0a000000-0000-4000-8000-000000000001';
const key = '0b000000-0000-4000-8000-000000000001';
const second = '0b000000-0000-4000-8000-000000000002';
const at = Date.UTC(2024, 1, 29, 12);

const roadmap = (time: (ms: number) => string): string => `
insert into users (id, email, name, tier, created_at, updated_at)
  values ('${ada}', 'Ada@example.com', 'Ada', 'gold', ${time(at)}, ${time(at)});
insert into api_keys (id, user_id, key_hash, key_prefix, name, enabled, created_at, last_used_at)
  values ('${key}', '${ada}', '${'ab'.repeat(32)}', 'abcdefgh', 'first', true, ${time(at)}, ${time(at + 1)});
insert into rate_limit_overrides (api_key_id, method, requests, period, burst_size)
  values ('${key}', 'eth_call', 5, 1000, 2);
insert into billing_events (api_key_id, event_type, metadata, timestamp)
  values ('${key}', 'quota.warning', '{"percent": 80}', ${time(at)});
`;

const keysAndPlans = (time: (ms: number) => string): string => `
insert into plans (name, currency, monthly_fee, included_units, price, price_per, limits, quota, created_at, updated_at)
  values ('gold', 'EUR', 1, 2, 3, 4, '[{"method":"*","requests":7,"periodMs":1000,"burstSize":0}]', null, ${time(at)}, ${time(at)});
insert into api_keys (id, source, key_hash, key_prefix, name, enabled, created_at, expires_at, previous_hash, previous_until, quota)
  values ('${second}', 'config', '${'cd'.repeat(32)}', 'bcdefghi', 'second', true, ${time(at)}, ${time(at + 2)},
    '${'ef'.repeat(32)}', ${time(at + 3)}, '{"unit":"cost","limit":5,"period":"day","warnAt":[]}');
`;

const configKeys = (time: (ms: number) => string): string => `
insert into config_keys (api_key_id, instance, named_at) values ('${second}', 'one', ${time(at)});
`;

const outbox = (time: (ms: number) => string): string => `
insert into outbox (id, type, subject, severity, at, event, routed)
  values ('018d0000-0000-7000-8000-000000000001', 'config.reloaded', 'config', 'info', ${time(at)}, '{}', true);
insert into outbox_deliveries (event, sink, subject, state, attempts, due_at)
  values (1, 'hook', 'config', 'retry', 1, ${time(at)});
`;

const terms = (time: (ms: number) => string): string => `
insert into user_tiers (user_id, at, tier) values ('${ada}', ${time(at)}, 'gold');
insert into plan_terms (plan, at, currency, monthly_fee, included_units, price, price_per)
  values ('gold', ${time(at)}, 'EUR', 1, 2, 3, 4);
`;

const usage = (time: (ms: number) => string, postgres: boolean): string => {
  const latency = postgres
    ? 'latency'
    : Array.from({ length: 24 }, (_, bucket) => `latency_${bucket}`).join(', ');
  const zeros = new Array(24).fill(0).join(', ');
  const line = (dayAt: number, keyId: string, method: string, status: string) =>
    `(${time(dayAt)}, '${keyId}', 'mainnet', '${method}', '${status}', 'call', 3, 30, 0, 0, 0, 0, ${postgres ? `array[${zeros}]` : zeros})`;
  const day = Date.UTC(2024, 1, 29);
  const lines = [
    line(day, key, 'eth_call', 'allowed'),
    line(day, key, 'eth_chainId', 'burst'),
    line(day, key, 'eth_call', 'exceeded'),
    line(day, '00000000-0000-0000-0000-000000000000', 'eth_call', 'allowed'),
    line(Date.UTC(2024, 1, 1), key, 'eth_call', 'allowed'),
    line(Date.UTC(2024, 0, 31), key, 'eth_call', 'allowed'),
  ];
  return `
insert into usage_days (at, api_key_id, network, method, status, kind, calls, cost, errors, bytes_in, bytes_out, latency_micros, ${latency})
  values ${lines.join(', ')};
`;
};

/** One for each version that there was before the latest. */
export const oldData: readonly OldData[] = [
  { version: 1, sql: roadmap },
  { version: 2, sql: (time) => roadmap(time) + keysAndPlans(time) },
  { version: 3, sql: (time) => roadmap(time) + keysAndPlans(time) },
  { version: 4, sql: (time) => roadmap(time) + keysAndPlans(time) + configKeys(time) },
  ...[5, 6, 7].map((version) => ({
    version,
    sql: (time: (ms: number) => string, postgres: boolean) =>
      roadmap(time) + keysAndPlans(time) + configKeys(time) + outbox(time) + usage(time, postgres),
  })),
  {
    version: 8,
    sql: (time, postgres) =>
      roadmap(time) +
      keysAndPlans(time) +
      configKeys(time) +
      outbox(time) +
      terms(time) +
      usage(time, postgres),
  },
];

/** What the store must say of them after migration. */
export const oldKeys = {
  1: {
    ...{ id: key, userId: ada, source: 'store', sha256: 'ab'.repeat(32), prefix: 'abcdefgh', name: 'first' },
    ...{ enabled: true, expiresAt: null, previousSha256: null, previousUntil: null, quota: null },
    overrides: [{ method: 'eth_call', requests: 5, periodMs: 1000, burstSize: 2 }],
    ...{ createdAt: at, lastUsedAt: at + 1, deletedAt: null },
  },
  2: {
    ...{ id: second, userId: null, source: 'config', sha256: 'cd'.repeat(32), prefix: 'bcdefghi' },
    ...{ name: 'second', enabled: true, expiresAt: at + 2, previousSha256: 'ef'.repeat(32) },
    ...{ previousUntil: at + 3, quota: { unit: 'cost', limit: 5, period: 'day', warnAt: [] } },
    ...{ overrides: [], createdAt: at, lastUsedAt: null, deletedAt: null },
  },
} as const;

/** The user of both. */
export const oldUser = {
  ...{ id: ada, email: 'Ada@example.com', name: 'Ada', tier: 'gold', quota: null },
  ...{ createdAt: at, updatedAt: at, deletedAt: null },
};

/** Of its plan, since version 2. */
export const oldTerms = {
  ...{ name: 'gold', currency: 'EUR', monthlyFee: 1n, includedUnits: 2n, price: 3n, pricePer: 4n },
};

/** Of the first key, since version 5. */
export const oldUse = {
  starts: { day: Date.UTC(2024, 1, 29), month: Date.UTC(2024, 1, 1) },
  uses: new Map([[key, { day: { requests: 6, cost: 60 }, month: { requests: 9, cost: 90 }, userId: null }]]),
};
