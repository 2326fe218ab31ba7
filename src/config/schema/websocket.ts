import { list, optionalRecord, orNull, section } from './containers.ts';
import { choice, duration, flag, integer, size } from './fields.ts';
import { origin } from './origin.ts';

const CONNECTIONS = 'Sockets open at once';
const SUBSCRIPTIONS = 'Subscriptions open at once';
const MESSAGES = 'Messages a second, with a burst of as many; a batch is one';

const bound = (what: string, fallback: number) =>
  integer({
    min: 0,
    max: 1_000_000,
    default: fallback,
    about: `${what}, of one key or address over all workers; 0: no bound.`,
  });

/** Of a key; what it leaves open is as for all callers (null). */
const ownBound = (what: string) =>
  orNull(integer({ min: 0, max: 1_000_000, about: `${what}; 0: no bound.` }), 'as in `websocket`');

export const keyWebsocket = optionalRecord(
  'Its own bounds over WebSocket, in place of those of `websocket`.',
  {
    max_connections: ownBound(CONNECTIONS),
    max_subscriptions: ownBound(SUBSCRIPTIONS),
    messages_per_second: ownBound(MESSAGES),
  },
);

export const websocketSection = section(
  'JSON-RPC and `eth_subscribe` over WebSocket, on the public listener and under the same paths, keys and limits.',
  {
    enabled: flag({ default: true, about: '`false`: an upgrade is refused. Sockets that are open stay.' }),
    origins: list(origin, {
      type: 'list of origins',
      about:
        'Pages that may open a socket (`Origin`), else 403; clients that are no browser send none and always may. `[*]`: all.',
      default: ['*'],
      max: 1000,
    }),
    max_connections: bound(CONNECTIONS, 1000),
    max_subscriptions: bound(SUBSCRIPTIONS, 1000),
    messages_per_second: bound(MESSAGES, 0),
    max_refusals: integer({
      min: 0,
      max: 1_000_000,
      default: 100,
      unit: 'calls',
      about: 'A socket with more calls refused by limits within 10 s is closed (1008); 0: never.',
    }),
    send_buffer: size({
      // Above the mark of 64 KiB from which on a stream tells that it has drained.
      min: '128KiB',
      max: '64MiB',
      default: '1MiB',
      about: 'What a client may leave unread before `slow_consumers` holds.',
    }),
    slow_consumers: choice({
      values: ['conflate', 'close'],
      default: 'conflate',
      about:
        'Where a client reads too slowly: `conflate` keeps only the newest of its `newHeads`; whatever else does not fit closes the socket (1013), as `close` does at once.',
    }),
    ping_interval: duration({
      min: '1s',
      max: '10m',
      default: '30s',
      about: 'A socket that was silent for so long is sent a ping.',
    }),
    pong_timeout: duration({
      min: '1s',
      max: '10m',
      default: '10s',
      about: 'A socket that is silent for so long after a ping is gone.',
    }),
    compression: flag({
      default: false,
      about: '`permessage-deflate`: fewer bytes for much more CPU and memory a socket. For sockets to come.',
    }),
  },
);
