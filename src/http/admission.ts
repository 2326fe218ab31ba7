import type { Socket } from 'node:net';
import { type ConnectionCounts, type PlaceHash, placeOf } from './connection-counts.ts';
import type { HttpSettings, HttpStats } from './message.ts';

/**
 * Counts a connection that is within the bounds in all and from its address.
 *
 * @returns what is to be called once it has closed; undefined where a bound is reached
 */
export type AdmitConnection = (socket: Socket) => (() => void) | undefined;

export function createConnectionAdmission(options: {
  counts: ConnectionCounts;
  hash: PlaceHash;
  settings: () => HttpSettings;
  stats: HttpStats;
}): AdmitConnection {
  const { counts, hash, stats } = options;
  return (socket) => {
    const { maxConnections, maxConnectionsPerAddress, countedAs } = options.settings();
    const counted = countedAs(socket.remoteAddress ?? '');
    const place = counted && placeOf(counted, hash);
    if (counts.total() >= maxConnections || (place && counts.of(place) >= maxConnectionsPerAddress)) {
      stats.refusedConnections++;
      return undefined;
    }
    stats.accepted++;
    stats.connections++;
    counts.enter(place);
    return () => {
      stats.connections--;
      counts.leave(place);
    };
  };
}
