import { methodKey, namedMap, section } from './containers.ts';
import { choice, duration, field, flag, integer, size } from './fields.ts';
import { share } from './fractions.ts';
import { healthCall } from './health-call.ts';
import { cacheFor } from './cache-for.ts';

const health = section(
  'Active checks of each upstream, made by the main thread: the head, the chain id and whether it is syncing; or `call`.',
  {
    interval: duration({
      min: '0',
      max: '1h',
      default: '2s',
      about:
        'Between two checks of one upstream. 0: no checks and no head, and nothing is kept but what `cache.methods` names.',
    }),
    timeout: duration({
      min: '10ms',
      max: '1m',
      default: '2s',
      about: 'For one check; beyond it the upstream counts as unreachable.',
    }),
    call: healthCall,
  },
);

const breaker = section(
  'When an upstream that fails is left alone for a while. It opens where `failures` and `failure_rate` are both reached within `window`; the same for one method where only that one fails.',
  {
    window: duration({ min: '1s', max: '10m', default: '10s', about: 'Sliding window.' }),
    failures: integer({
      min: 1,
      max: 1_000_000,
      default: 10,
      unit: 'calls',
      about: 'Least failures in the window.',
    }),
    failure_rate: share({
      min: '1%',
      max: '100%',
      default: '50%',
      about: 'Least share of the window’s calls that failed.',
    }),
    open: duration({
      min: '100ms',
      max: '10m',
      default: '5s',
      about: 'How long it stays open before trials.',
    }),
    trials: integer({
      min: 1,
      max: 100,
      default: 3,
      unit: 'calls',
      about: 'Calls let through before it closes again; all must succeed.',
    }),
  },
);

const retry = section(
  'Calls sent again after a failure: reads, and signed transactions to another node. Never what a node may have done already and would do twice.',
  {
    attempts: integer({
      min: 1,
      max: 10,
      default: 3,
      unit: 'attempts',
      about: 'Of one call, the first included. 1: never again.',
    }),
    backoff: duration({
      min: '0',
      max: '10s',
      default: '50ms',
      about:
        'Longest wait before the first retry, doubled for each further one; the wait is random below it. Another upstream is tried at once.',
    }),
    max_backoff: duration({ min: '0', max: '1m', default: '1s', about: 'The longest wait of all.' }),
    budget: share({
      default: '10%',
      about:
        'Most further attempts, hedges included, as a share of calls: a failing network is not asked twice as much.',
    }),
  },
);

const hedge = section(
  'A second attempt for a read whose answer is late, at another upstream; the first answer is taken. Within `retry.budget`.',
  {
    enabled: flag({ default: false, about: 'Off unless it is wanted.' }),
    quantile: share({
      min: '50%',
      max: '99.9%',
      default: '95%',
      about: 'Late is what takes longer than this share of the method’s calls.',
    }),
    min_delay: duration({
      min: '1ms',
      max: '1m',
      default: '10ms',
      about: 'The second attempt never comes sooner.',
    }),
    max_delay: duration({ min: '1ms', max: '1m', default: '2s', about: 'It never comes later.' }),
  },
);

const shed = section(
  'What happens to calls for which no upstream has room: they wait a little, or get 503.',
  {
    queue: integer({
      min: 0,
      max: 1_000_000,
      default: 1000,
      unit: 'calls',
      about: 'Calls each worker lets wait; 503 beyond.',
    }),
    queue_timeout: duration({
      min: '1ms',
      max: '5m',
      default: '2s',
      about: 'How long a call may wait; 503 beyond.',
    }),
    reserve: share({
      min: '0%',
      max: '90%',
      default: '10%',
      about: 'Of upstreams’ `max_in_flight` and of the queue: kept for the methods in `methods.critical`.',
    }),
    max_in_flight_per_caller: integer({
      min: 0,
      max: 1_000_000,
      default: 0,
      unit: 'calls',
      about: 'Calls of one key or address in flight in each worker; 0: no bound.',
    }),
  },
);

const cache = section(
  'Answers kept in the workers’ memory, and with `shared` in Redis for all instances. What may be kept for how long is known of Ethereum’s methods; of others only what `methods` says.',
  {
    enabled: flag({ default: true, about: '`false`: every call goes to an upstream.' }),
    max_bytes: size({
      min: '64KiB',
      max: '16GiB',
      default: '64MiB',
      about:
        'Memory of each worker for each network; the least used go first. What is added by a reload has to fit into what workers got at the start.',
    }),
    max_entry_bytes: size({
      min: '1KiB',
      max: '1GiB',
      default: '1MiB',
      about: 'Longest answer that is kept.',
    }),
    head_ttl: duration({
      min: '0',
      max: '1m',
      default: '1s',
      about:
        'Longest that an answer about the newest block is kept; it goes sooner when the head moves or a transaction is sent. 0: not kept.',
    }),
    finality_depth: integer({
      min: 0,
      max: 1_000_000,
      default: 64,
      unit: 'blocks',
      about: 'So far below the head a block counts as final where the nodes know no `finalized` block.',
    }),
    shared: flag({
      default: false,
      about:
        'Answers that no head decides are kept in Redis too, and looked for there before an upstream is called. Needs `redis`. See [upstreams](upstreams.md#shared-between-instances).',
    }),
    shared_ttl: duration({
      min: '1s',
      max: '30d',
      default: '1h',
      about: 'Longest that Redis keeps an answer; one that may be given for less time goes with that.',
    }),
    shared_max_bytes: size({
      min: '256B',
      max: '16MiB',
      default: '64KiB',
      about: 'Longest answer that is kept in Redis, with 44 bytes beside it.',
    }),
    methods: namedMap(methodKey, cacheFor, {
      type: 'map of `off`, `forever` or duration',
      about:
        'How long answers are kept, by pattern, in place of what is known of the method; the most specific wins.',
    }),
  },
);

const subscriptions = section('How `eth_subscribe` is served: see [WebSocket](websocket-protocol.md).', {
  poll_interval: duration({
    min: '100ms',
    max: '1m',
    default: '1s',
    about: 'How often an upstream without `ws_url` is asked for its latest block, while anybody listens.',
  }),
  max_backfill: integer({
    min: 1,
    max: 100_000,
    default: 1000,
    unit: 'blocks',
    about: 'Longest gap that is filled after an outage; beyond it the sockets that listen are closed.',
  }),
});

/** What may be said of all networks at the top of the file, and of one inside it. */
export const networkSettings = {
  kind: choice({
    values: ['ethereum', 'generic'],
    default: 'ethereum',
    about:
      '`ethereum`: what is known of Ethereum’s methods, errors and blocks holds. `generic`: any other JSON-RPC backend.',
  }),
  chain_id: field<number | null>(
    {
      type: 'integer',
      about: 'Upstreams that answer `eth_chainId` otherwise are not called. `none`: that of most of them.',
      bounds: '1 to 9007199254740991',
      json: { anyOf: [{ type: 'integer', minimum: 1 }, { const: 'none' }] },
    },
    { written: 'none', value: null },
    (value, fail) => {
      if (value === 'none' || value === null) return null;
      const number =
        typeof value === 'string' && /^(0x[0-9a-f]{1,13}|\d{1,15})$/i.test(value) ? Number(value) : value;
      if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 1) return number;
      return fail({ expected: 'a chain id such as 1' });
    },
  ),
  timeout: duration({
    min: '10ms',
    max: '1h',
    default: '60s',
    about: 'Time for a call with all its attempts; 504 beyond.',
  }),
  max_block_lag: integer({
    min: 0,
    max: 1_000_000,
    default: 5,
    unit: 'blocks',
    about: 'An upstream further behind the network’s head is not called while another can be.',
  }),
  health,
  breaker,
  retry,
  hedge,
  shed,
  cache,
  subscriptions,
  coalesce: flag({
    default: true,
    about:
      'Identical calls in flight that could be answered from a cache share one upstream call; each gets its own id.',
  }),
};
