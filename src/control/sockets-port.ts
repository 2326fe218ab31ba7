import type { AdminPorts } from '../admin/index.ts';
import type { HubState } from '../websocket/index.ts';
import type { NamedKey } from './explain-port.ts';

/** Sockets listed at most; the rest is counted. */
const LISTED_MAX = 1000;
const PARAMS_MAX = 200;

/** Lists open sockets, with the keys' names, which only main knows. */
export function createSocketsPort(options: {
  state: () => HubState;
  keyByNumber(keyNumber: number): NamedKey | undefined;
}): AdminPorts['sockets'] {
  return ({ keyName, address, network }) => {
    const { sockets, feeds } = options.state();
    const named = sockets.map(({ worker, about, subscriptions }) => {
      const { id, keyNumber, keyPrefix, openedAtMs } = about;
      return {
        ...{ id, worker, keyName: options.keyByNumber(keyNumber)?.name ?? null, keyPrefix },
        ...{ address: about.address, network: about.network, openedAtMs, subscriptions },
      };
    });
    const found = named.filter(
      (socket) =>
        (keyName === undefined || socket.keyName === keyName) &&
        (address === undefined || socket.address === address) &&
        (network === undefined || socket.network === network),
    );
    const shown = new Set(found.flatMap(({ subscriptions }) => subscriptions.map(({ feed }) => feed)));
    const narrowed = keyName ?? address ?? network;
    return {
      total: found.length,
      sockets: found.slice(0, LISTED_MAX),
      feeds: feeds
        .filter(({ feed }) => narrowed === undefined || shown.has(feed))
        .slice(0, LISTED_MAX)
        .map((feed) => ({ ...feed, params: cut(feed.params) })),
    };
  };
}

/** A filter may name hundreds of addresses. */
function cut(params: string): string {
  return params.length > PARAMS_MAX ? `${params.slice(0, PARAMS_MAX)}…` : params;
}
