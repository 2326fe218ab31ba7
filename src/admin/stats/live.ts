import { z } from 'zod';
import { callCounts, latencies, latency } from './counts.ts';

const count = z.number().int().nonnegative();
const time = z.iso.datetime();

export const scopes = ['cluster', 'instance'] as const;
/** Whose figures are asked for: of all instances that share one Redis, or of the one that answers. */
export type Scope = (typeof scopes)[number];

/** Whose figures an answer has. */
const scope = z.strictObject({
  of: z.enum(scopes).describe('All instances together, or the one that answers'),
  instances: z
    .array(
      z.strictObject({
        id: z.string(),
        ageSeconds: z.number().nonnegative().describe('Of its figures; 0: it is the one that answers'),
      }),
    )
    .describe('Those whose figures are in the answer'),
  oldestSeconds: z.number().nonnegative().describe('The greatest of these ages'),
  missing: count.describe('Instances that are there, and whose figures are not in the answer'),
  redis: z
    .enum(['here', 'away'])
    .nullable()
    .describe('away: only the one that answers is in it; null: there is none'),
});
export type ScopeView = z.infer<typeof scope>;

/** An upstream, over all workers. */
export const upstreamStats = z.strictObject({
  network: z.string(),
  upstream: z.string(),
  state: z.enum(['unknown', 'up', 'down']).describe('By active checks; unknown: it is not checked'),
  reason: z.string().nullable().describe('Why it is down'),
  breaker: z.enum(['closed', 'open', 'half-open']),
  head: count.nullable().describe('Latest block it is known to have'),
  lag: count.nullable().describe('Blocks behind the network’s head'),
  calls: count.describe('Calls sent to it'),
  failures: count.describe('Of those: without a usable answer'),
  inFlight: count.describe('Calls it has now'),
  latency: latency.describe('From a call being sent to its answer'),
});
export type UpstreamStatsView = z.infer<typeof upstreamStats>;

/** Event-loop delay over the last ten seconds or so, beyond what was asked for. */
const loop = z.strictObject({
  thread: z.string().describe('main, or worker and its number'),
  lagMicros: z.number().nonnegative().describe('Mean'),
  maxLagMicros: z.number().nonnegative(),
});

/** `GET /stats/summary`: all since the process started. */
export const summary = z.strictObject({
  at: time,
  scope,
  startedAt: time,
  uptimeSeconds: z.number().nonnegative(),
  version: z.string(),
  totals: callCounts,
  latency: latencies,
  networks: z.array(
    z.strictObject({ network: z.string().describe('Empty: the target named none'), ...callCounts.shape }),
  ),
  upstreams: z.array(upstreamStats),
  cache: z.strictObject({
    hits: count,
    joined: count,
    misses: count,
    stores: count,
    evictions: count,
    entries: count,
    bytes: count,
    shared: z
      .strictObject({ hits: count, misses: count, errors: count, puts: count, dropped: count })
      .describe('What instances keep together in Redis'),
  }),
  http: z.strictObject({
    connections: count.describe('Open now'),
    requests: count,
    refused: count.describe('Requests in which no call was found'),
    batches: count,
  }),
  websocket: z.strictObject({
    connections: count.describe('Open now'),
    subscriptions: count.describe('Open now'),
    messages: count,
    events: count,
  }),
  shadow: z
    .array(z.strictObject({ rule: z.string(), wouldRefuse: count }))
    .describe('Rules in shadow mode: calls they would have refused'),
  usage: z
    .strictObject({
      lagBytes: count.describe('In journals, and not in the ledger yet'),
      behindSeconds: z.number().nonnegative().nullable().describe('null: it takes all that comes'),
      lost: count.describe('Calls and events that are in no journal'),
    })
    .nullable()
    .describe('null: there is no store'),
  redis: z
    .strictObject({
      up: z.boolean().describe('false: it is away, and limits go on by this instance’s share'),
      since: time.describe('When it came or went'),
      reason: z.string().nullable().describe('Why it is away'),
      instance: z.string().describe('Id of this instance'),
      instances: count.describe('That share limits by it, this one included'),
      leases: count.describe('Buckets of which this instance holds tokens'),
    })
    .nullable()
    .describe('null: no other instance is looked for'),
  events: z.strictObject({
    emitted: z.record(z.string(), count).describe('Events made, by type'),
    folded: count.describe('Of what happened, how much has no event of its own'),
    subjects: count.describe('Subjects whose window is open'),
    waiting: count.describe('On their way into the outbox'),
    lost: count.describe('Dropped: the outbox did not take them for too long, or had no room'),
    outbox: z.strictObject({
      kind: z.enum(['store', 'memory']),
      size: count.optional().describe('Of the one in memory: events it holds'),
    }),
    sinks: z
      .record(
        z.string(),
        z.strictObject({
          type: z.string(),
          delivered: count,
          retried: count.describe('Attempts that failed and were put off'),
          dead: count,
          inFlight: count,
          waiting: count,
          breaker: z.enum(['closed', 'open', 'half-open']),
          disabled: z.string().nullable().describe('Why its receiver turned it off'),
          problem: z.string().nullable().describe('Of the last delivery that failed'),
          broken: z.boolean().describe('It cannot be set up'),
        }),
      )
      .describe(
        'By name: deliveries `delivered`, `retried`, `dead`, `inFlight` and `waiting`, its `breaker`, and what is wrong with it',
      ),
  }),
  bans: count.describe('Addresses and networks that are banned'),
  config: z.strictObject({
    generation: count,
    hash: z.string(),
    appliedAt: time,
    reloads: z.strictObject({ applied: count, refused: count }),
  }),
  workers: z.array(z.strictObject({ worker: count, state: z.string(), restarts: count })),
  eventLoops: z.array(loop),
  memory: z.strictObject({ rssBytes: count, heapBytes: count, externalBytes: count }),
});
export type Summary = z.infer<typeof summary>;

/** `GET /stats/methods`: by network and method, most calls first. */
export const methods = z.strictObject({
  at: time,
  scope,
  methods: z.array(
    z.strictObject({
      network: z.string(),
      method: z.string().describe('Well-known, or a name or pattern of the config; `other` for the rest'),
      ...callCounts.shape,
      latency: latencies,
    }),
  ),
});
export type Methods = z.infer<typeof methods>;

/** Who is calling: a key, or an address without one. */
const who = {
  kind: z.enum(['key', 'address']),
  id: z.string().describe('UUID of the key, or the address (an IPv6 network such as 2001:db8::/64)'),
  name: z.string().nullable().describe('Of the key; null for an address and for a key that is gone'),
  prefix: z.string().nullable().describe('First 8 characters of the key'),
  counts: callCounts,
  latencySumMicros: z.number().nonnegative().describe('Of answered calls, together'),
  lastSeenAt: time.nullable(),
  /** Space-saving sketch: the true number lies between `counts.calls` and that plus this. */
  missedCallsMax: count.describe(
    'Calls that may be missing, at most: those of an address before it was listed; 0 for keys, but where an instance has more than it tells the others of',
  ),
};

export const topOrders = ['calls', 'cost', 'refused', 'bytes'] as const;
export type TopOrder = (typeof topOrders)[number];

/** `GET /stats/top?by=calls&limit=20`: keys and addresses together, the greatest first. */
export const top = z.strictObject({
  at: time,
  scope,
  by: z.enum(topOrders),
  entries: z.array(z.strictObject(who)),
  keys: count.describe('Keys that called since the start, as far as they are known here'),
  addresses: z.strictObject({
    listed: count,
    unlistedCallsMax: count.describe('An address that is not listed made at most so many calls'),
  }),
});
export type Top = z.infer<typeof top>;

/** `GET /stats/identity/:id`: by key id, key name, key prefix or address. */
export const identity = z.strictObject({ at: time, scope, ...who });
export type Identity = z.infer<typeof identity>;
