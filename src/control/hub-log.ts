import type { HubEvent, SocketAbout } from '../websocket/index.ts';
import type { NamedKey } from './explain-port.ts';
import type { Logger } from './logs.ts';

/** Closes that a client makes by itself, or that come with a restart: no news. */
const quietCodes = new Set([1000, 1001, 1005, 1006]);

/** Writes what the hub has to tell as log lines of `kind: websocket`. */
export function createHubLog(
  logger: Logger,
  keyByNumber: (keyNumber: number) => NamedKey | undefined,
): (event: HubEvent) => void {
  const socketFacts = ({ id, keyNumber, keyPrefix, address, network }: SocketAbout) => ({
    ...{ socket: id, network, address },
    key: keyNumber < 0 ? undefined : (keyByNumber(keyNumber)?.name ?? keyPrefix),
  });
  return (event) => {
    const base = { kind: 'websocket', event: event.type };
    switch (event.type) {
      case 'socket.opened':
        return logger.debug({ ...base, ...socketFacts(event.about) }, 'socket opened');
      case 'socket.closed': {
        const { code, reason, totals } = event;
        const level = quietCodes.has(code) ? 'debug' : 'info';
        const facts = { ...base, ...socketFacts(event.about), code, reason, ...totals };
        return logger[level](facts, `socket closed (${code})`);
      }
      case 'sockets.lost':
        return logger.warn(
          { ...base, worker: event.worker },
          `${event.count} sockets ended with their worker`,
        );
      case 'source.changed': {
        const { network, kind, source, why } = event;
        const facts = { ...base, network, subscription: kind, ...source, why };
        if (source.upstream === '')
          return logger.warn(facts, `network ${network}: ${kind} lost its upstream: ${why}`);
        const way = source.via === 'polling' ? 'polled' : 'by WebSocket';
        return logger.info(facts, `network ${network}: ${kind} from ${source.upstream}, ${way}`);
      }
      case 'gap.filled':
        return logger.info(
          { ...base, network: event.network, blocks: event.blocks, head: event.head },
          `network ${event.network}: ${event.blocks} missed blocks were fetched for subscribers`,
        );
      case 'chain.reorg':
        return logger.info(
          { ...base, network: event.network, removed: event.removed, added: event.added, head: event.head },
          `network ${event.network}: subscribers were told that ${event.removed} blocks were replaced`,
        );
      case 'feed.ended':
        return logger.warn(
          { ...base, network: event.network, subscription: event.kind, listeners: event.listeners },
          `network ${event.network}: ${event.kind} ended: ${event.reason}`,
        );
    }
  };
}
