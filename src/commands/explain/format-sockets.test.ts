import { expect, test } from 'vitest';
import { formatSockets } from './format-sockets.ts';

test('sockets with their subscriptions, and the feeds behind them', () => {
  const socket = {
    id: 'boot-00-1',
    keyName: 'acme',
    keyPrefix: '4fGh21ab',
    address: '192.0.2.1',
    network: 'mainnet',
    openedAtMs: 1000,
    subscriptions: [
      { kind: 'newHeads', feed: 1 },
      { kind: 'logs', feed: 2 },
    ],
  };
  const text = formatSockets(
    {
      total: 7,
      sockets: [socket, { ...socket, id: 'boot-00-2', keyName: null, keyPrefix: '', subscriptions: [] }],
      feeds: [
        {
          ...{ feed: 1, network: 'mainnet', kind: 'newHeads', params: '', listeners: 1, events: 12 },
          source: { upstream: 'one', via: 'websocket' },
        },
        {
          ...{ feed: 2, network: 'mainnet', kind: 'logs', params: '{}', listeners: 2, events: 0 },
          source: { upstream: '', via: 'polling' },
        },
      ],
    },
    4500,
  );
  expect(text).toBe(`7 sockets, the first 2 shown

Sockets
  boot-00-1  key acme (4fGh21ab…)  192.0.2.1  mainnet  open 3.5 s  newHeads #1, logs #2
  boot-00-2  no key                192.0.2.1  mainnet  open 3.5 s

Feeds: each is one for all that listen
  #1  mainnet  newHeads      1 listens  one by websocket  12 events
  #2  mainnet  logs      {}  2 listen   no upstream now   0 events
`);
});
