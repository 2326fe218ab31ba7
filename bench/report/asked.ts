/** A figure that was asked for as the product was planned, and where its value comes from. */
export interface Asked {
  /** Which of the plan's parts asked. */
  part: (typeof parts)[number];
  /** What was asked, with its bound. */
  asked: string;
  measured: Measured;
}

type Measured =
  /** Figures of the bench's own run, by name; `*` stands for anything. */
  | { figures: readonly string[] }
  /** Asserted by a test with this bound at each run; `bound` where the test's is wider, since machines of tests are crowded. */
  | { test: string; bound?: string; seen?: Seen; long?: true }
  /** Measured by a command. */
  | { command: string; seen: Seen };

/** A value that a run other than the bench's gave. */
export interface Seen {
  value: string;
  met: boolean;
  /** Day of the measurement, and the commit that was measured. */
  at: string;
  commit: string;
}

export const parts = [
  '1 gateway',
  '2 upstreams',
  '3 WebSocket',
  '4 usage and billing',
  '5 events and figures',
  '6 instances',
  '7 the whole',
] as const;

const seen = (value: string, met: boolean, commit: keyof typeof days): Seen => ({
  ...{ value, met, commit },
  at: days[commit],
});

const days = {
  '1898beb': '2026-11-28',
  '9f4d67b': '2026-11-28',
  '67de01e': '2026-11-28',
  '6641302': '2026-11-29',
  ca4be18: '2026-11-29',
  '4db5e07': '2026-11-29',
} as const;

const [gateway, upstreams, sockets, usage, events, instances, whole] = parts;

/** In the plan's order. */
export const askedFor: readonly Asked[] = [
  { part: gateway, asked: 'CPU, single ≤ 1.10 × nginx', measured: { figures: ['CPU, single'] } },
  {
    part: gateway,
    asked: 'CPU, pipelined and batched ≤ 0.70 × nginx',
    measured: { figures: ['CPU, pipelined', 'CPU, batched'] },
  },
  {
    part: gateway,
    asked: 'CPU, a refusal ≤ 0.60 × nginx’s proxied call',
    measured: { figures: ['CPU, refused'] },
  },
  {
    part: gateway,
    asked: '50,000 requests a second of one instance',
    measured: { figures: ['requests a second*'] },
  },
  { part: gateway, asked: 'added p50 < 0.5 ms at half load', measured: { figures: ['added p50, *'] } },
  { part: gateway, asked: 'added p99 < 3 ms at half load', measured: { figures: ['added p99, *'] } },
  {
    part: gateway,
    asked: 'main + 2 workers idle ≤ 200 MB',
    measured: { figures: ['resident, main + 2 workers, idle'] },
  },
  {
    part: gateway,
    asked: 'one million callers ≤ +128 MB, then flat',
    measured: { figures: ['resident, added by * callers'] },
  },
  {
    part: gateway,
    asked: 'a reload of 10,000 keys acts within 100 ms',
    measured: { figures: ['reload with *'] },
  },
  {
    part: gateway,
    asked: 'no call dropped, or delayed over 50 ms, by a reload',
    measured: { figures: ['calls dropped meanwhile', 'longest call meanwhile*'] },
  },
  {
    part: gateway,
    asked: '500 hostile requests: only authorised calls arrive',
    measured: { test: 'test/framing' },
  },
  {
    part: gateway,
    asked: '10,000 generated ids in three modes, byte-identical',
    measured: { test: 'test/fidelity/ids.test.ts' },
  },
  {
    part: gateway,
    asked: '200 callers, 100,000 calls: no foreign answer',
    measured: {
      test: 'test/isolation',
      bound: '34,000 calls, or 400,000',
      long: true,
      seen: seen('none', true, '1898beb'),
    },
  },
  {
    part: gateway,
    asked: 'npm test < 20 min',
    measured: { command: 'npm test', seen: seen('17 min', true, '6641302') },
  },
  {
    part: gateway,
    asked: 'npm run test:long < 90 min',
    measured: { command: 'npm run test:long', seen: seen('18 min', true, '1898beb') },
  },

  {
    part: upstreams,
    asked: 'CPU, an answer from the cache ≤ 0.50 × nginx',
    measured: { figures: ['CPU, cached'] },
  },
  {
    part: upstreams,
    asked: '64 identical calls at once: 1 call to the node',
    measured: { figures: ['calls to the node*'] },
  },
  {
    part: upstreams,
    asked: 'all of this part on ≤ 1.05 × before it, each mode',
    measured: { figures: ['CPU, *, with cache'] },
  },
  {
    part: upstreams,
    asked: 'one of three nodes killed: no failed call, p99 back in 2 s',
    measured: { figures: ['calls failed as one*', 'p99 as before*'] },
  },
  {
    part: upstreams,
    asked: 'twenty vices of nodes × 100 calls in each mode: all answered',
    measured: {
      test: 'test/upstreams/vices.test.ts',
      bound: 'a tenth of them, or all',
      long: true,
      seen: seen('all', true, '1898beb'),
    },
  },
  {
    part: upstreams,
    asked: 'retries add at most 10 %',
    measured: { test: 'test/upstreams/restraint.test.ts' },
  },

  {
    part: sockets,
    asked: 'an idle socket that listens ≤ 24 KB',
    measured: { figures: ['resident, each of *', 'the same, once heads*'] },
  },
  {
    part: sockets,
    asked: '10,000 sockets: one upstream subscription',
    measured: { figures: ['upstream subscriptions*'] },
  },
  {
    part: sockets,
    asked: 'a head reaches 5,000 listeners in < 250 ms',
    measured: { figures: ['a head to *'] },
  },
  { part: sockets, asked: 'CPU, a call ≤ 1.5 × HTTP', measured: { figures: ['CPU, a call over WebSocket'] } },
  {
    part: sockets,
    asked: '200 hostile sockets: p99 of HTTP < 100 ms',
    measured: { test: 'test/websocket/hostile.test.ts', bound: '100 ms, or 15 × the same unattacked' },
  },
  {
    part: sockets,
    asked: '2,000 connects and disconnects: no subscription left',
    measured: { test: 'test/websocket/leaks.test.ts' },
  },
  {
    part: sockets,
    asked: 'clients for 60 s, node killed twice, a reorg: no gap',
    measured: {
      test: 'test/websocket/clients.test.ts',
      bound: '25 s, or 60',
      long: true,
      seen: seen('none', true, '9f4d67b'),
    },
  },

  {
    part: usage,
    asked: 'journal and ledger ≤ 1.05 × CPU',
    measured: { figures: ['CPU, single, with usage'] },
  },
  {
    part: usage,
    asked: 'SQLite applies 50,000 records/s, calls’ p99 as before',
    measured: {
      command: 'node test/store/measure-backlog.ts',
      seen: seen('181,000 to 221,000; with rests 87,000 to 91,000, p99 2.5 to 3.9–4.5 ms', false, '6641302'),
    },
  },
  {
    part: usage,
    asked: 'PostgreSQL applies 100,000 records/s',
    measured: { command: 'node test/store/measure-backlog.ts', seen: seen('102,000', true, '9f4d67b') },
  },
  {
    part: usage,
    asked: '100,000 keys load in < 1 s',
    measured: {
      test: 'test/store/many-keys.test.ts',
      bound: '4 s',
      seen: seen('1.04 to 1.5 s', false, '6641302'),
    },
  },
  {
    part: usage,
    asked: 'a new or revoked key acts in < 1 s',
    measured: { test: 'test/store/keys.test.ts', seen: seen('2 to 40 ms', true, '9f4d67b') },
  },
  {
    part: usage,
    asked: 'fifty kill -9: received ≤ journal = ledger ≤ sent',
    measured: {
      test: 'test/store/killed.test.ts',
      bound: '10 kills, or 50',
      long: true,
      seen: seen('143,907 ≤ 143,939 ≤ 145,711 (SQLite), 159,359 ≤ 159,408 ≤ 161,322', true, '6641302'),
    },
  },

  {
    part: events,
    asked: 'all of this part on ≤ 1.05 × CPU of the build before',
    measured: {
      command: 'node bench/compare.ts --state --to-state --to-more FILE',
      seen: seen('0.99 and 1.04 ×', true, '6641302'),
    },
  },
  {
    part: events,
    asked: '10,000 webhooks, 30 % failing, in < 60 s, ≤ 8 attempts',
    measured: { test: 'test/events/webhooks.test.ts', bound: '1,000 of them, or all', long: true },
  },
  {
    part: events,
    asked: 'a ban acts in all workers within 100 ms',
    measured: { test: 'test/blocklist/blocklist.test.ts', bound: '1 s' },
  },
  {
    part: events,
    asked: 'stats, metrics, ledger and caller agree after 100,000 calls',
    measured: { test: 'test/stats/agreement.test.ts', bound: '20,000 calls, or all', long: true },
  },
  {
    part: events,
    asked: 'sixty spellings of private addresses are refused',
    measured: { test: 'src/events/http/addresses.test.ts' },
  },
  {
    part: events,
    asked: 'a page of /metrics with 200 methods ≤ 5 ms',
    measured: {
      test: 'src/metrics/figure-samples.test.ts',
      bound: '25 ms',
      seen: seen('4.4 ms', true, 'ca4be18'),
    },
  },
  {
    part: events,
    asked: 'a look at 100,000 bans ≤ 0.1 µs a call',
    measured: {
      command: 'node src/admission/testing/measure.ts',
      seen: seen('0.02 µs; 0.27 as an address is first seen', true, 'ca4be18'),
    },
  },
  {
    part: events,
    asked: 'a million replayed calls in seconds',
    measured: { command: 'polymorph simulate CONFIG --log FILE', seen: seen('5 to 6 s', true, '6641302') },
  },

  { part: instances, asked: 'CPU, leased limits ≤ 1.03 ×', measured: { figures: ['CPU, leased limits'] } },
  { part: instances, asked: 'CPU, exact limits ≤ 2.0 ×', measured: { figures: ['CPU, exact limits'] } },
  {
    part: instances,
    asked: '20,000 exact decisions a second of one core',
    measured: { figures: ['exact decisions a second*'] },
  },
  {
    part: instances,
    asked: 'twice the limit for 60 s at three instances: never over, ≥ 97 % used',
    measured: {
      test: 'test/redis/limits.test.ts',
      bound: '8 s, or 60',
      long: true,
      seen: seen('12,268 (leased), 12,297 (exact) of 12,302', true, '6641302'),
    },
  },
  {
    part: instances,
    asked: 'a ban acts at all instances in < 500 ms',
    measured: {
      test: 'test/redis/bans.test.ts',
      bound: 'a crowded machine’s',
      seen: seen('30 to 340 ms; up to 751 at a load of 12 to 19', false, '6641302'),
    },
  },
  {
    part: instances,
    asked: 'Redis killed, stopped, slow, failed over: no call > 100 ms, back in 5 s',
    measured: {
      test: 'test/redis/faults.test.ts',
      bound: '1 s',
      seen: seen('4 to 53 ms', true, '6641302'),
    },
  },

  {
    part: whole,
    asked: 'everything on ≤ 1.15 × what part 1 asked for',
    measured: { figures: ['CPU, *, everything on'] },
  },
  { part: whole, asked: 'start of a small config ≤ 0.5 s, warm', measured: { figures: ['start, warm*'] } },
  {
    part: whole,
    asked:
      'soak, everything on: 99.95 % answered, errors of ours < 0.01 %, memory flat, ledger = journal = oracle',
    measured: {
      test: 'test/soak/soak.test.ts',
      bound: '30 s, or 7 min',
      long: true,
      seen: seen(
        '300 s, 2 × 96,942 calls: all but 116 that died with 8 workers, none of ours, heap −3 to +2 MB, equal',
        true,
        '4db5e07',
      ),
    },
  },
];
