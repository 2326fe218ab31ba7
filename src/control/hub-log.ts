import type { HubEvent, SocketAbout } from '../websocket/index.ts';
import type { NamedKey } from './explain-port.ts';
import type { Logger } from './logs.ts';

/** Closes of ours that somebody may ask about. */
const ownCodes = new Set([1008, 1011, 1013, 4401, 4404]);

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
        const level = ownCodes.has(code) ? 'info' : 'debug';
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
      case 'logs.late':
        return logger.warn(
          { ...base, network: event.network, block: event.block, waitedMs: Math.round(event.waitedMs) },
          `network ${event.network}: no upstream gives the logs of block ${event.block} yet; later ones wait`,
        );
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
