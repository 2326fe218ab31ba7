import { milliseconds, printable, section, table } from './layout.ts';

/** Open sockets as the admin listener lists them. */
export interface SocketList {
  /** How many there are; `sockets` may hold only the first of them. */
  total: number;
  sockets: {
    id: string;
    keyName: string | null;
    keyPrefix: string;
    address: string;
    network: string;
    openedAtMs: number;
    subscriptions: { kind: string; feed: number }[];
  }[];
  feeds: {
    feed: number;
    network: string;
    kind: string;
    params: string;
    source: { upstream: string; via: 'websocket' | 'polling' };
    listeners: number;
    events: number;
  }[];
}

/** The list as text for people, with a final newline. */
export function formatSockets({ total, sockets, feeds }: SocketList, nowMs: number): string {
  const shown = sockets.length < total ? `, the first ${sockets.length} shown` : '';
  return [
    `${total} ${total === 1 ? 'socket' : 'sockets'}${shown}`,
    '',
    ...section('Sockets', table(sockets.map((socket) => socketRow(socket, nowMs)))),
    ...section('Feeds: each is one for all that listen', table(feeds.map(feedRow))),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function socketRow(socket: SocketList['sockets'][number], nowMs: number): string[] {
  const { id, keyName, keyPrefix, address, network, openedAtMs, subscriptions } = socket;
  const caller = keyPrefix === '' ? 'no key' : `key ${keyName ?? ''} (${keyPrefix}…)`;
  return [
    id,
    printable(caller),
    printable(address),
    network,
    `open ${milliseconds(Math.max(0, nowMs - openedAtMs))}`,
    subscriptions.map(({ kind, feed }) => `${printable(kind)} #${feed}`).join(', '),
  ];
}

function feedRow({ feed, network, kind, params, source, listeners, events }: SocketList['feeds'][number]) {
  const from = source.upstream === '' ? 'no upstream now' : `${source.upstream} by ${source.via}`;
  return [
    `#${feed}`,
    network,
    printable(kind),
    printable(params),
    `${listeners} ${listeners === 1 ? 'listens' : 'listen'}`,
    from,
    `${events} events`,
  ];
}
