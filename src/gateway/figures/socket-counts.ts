import type { CounterName } from '../../metrics/index.ts';
import type { CloseLabel } from '../../websocket/index.ts';

/** Names of the counters of a worker's sockets. */
type SocketCounter = Exclude<
  Extract<CounterName, `socket${string}` | 'subscriptionsOpen' | 'events' | 'eventBytes' | 'eventsConflated'>,
  // Counted as they come: they are a sign of life.
  'socketMessages' | 'socketRequests' | 'socketBytesIn'
>;

/** What a worker counts of its sockets: gauges as they are, totals since it began. */
export type SocketCounts = Record<SocketCounter, number>;

/** By why a socket was closed. */
export const closeCounters: Record<CloseLabel, SocketCounter> = {
  client: 'socketsClosedClient',
  restart: 'socketsClosedRestart',
  abuse: 'socketsClosedAbuse',
  quota: 'socketsClosedQuota',
  slow: 'socketsClosedSlow',
  key_gone: 'socketsClosedKey',
  banned: 'socketsClosedBanned',
  network_gone: 'socketsClosedNetwork',
  subscription_lost: 'socketsClosedLost',
  protocol: 'socketsClosedProtocol',
  silent: 'socketsClosedSilent',
  unmetered: 'socketsClosedUnmetered',
  internal_error: 'socketsClosedFault',
};
