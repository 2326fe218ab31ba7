import type { FromHub, SubscribeFault, ToHub } from '../../websocket/index.ts';

/** The hub as one worker sees it: admits and subscribes what it is asked, one feed for each kind and params. */
export interface TestHub {
  hear(message: ToHub): void;
  /** Sends an event of the feed to the worker. `result` is JSON text. */
  event(feed: number, result: string): void;
  say(message: FromHub): void;
  readonly heard: readonly ToHub[];
  /** Sockets that are open, by what the worker said. */
  sockets(): number;
  /** What is answered instead of what was asked. */
  refusal: { admitted: boolean; fault: SubscribeFault | null; silent: boolean };
}

export function createTestHub(tell: (message: FromHub) => void): TestHub {
  const heard: ToHub[] = [];
  const feeds = new Map<string, number>();
  const open = new Set<number>();
  const hub: TestHub = {
    heard,
    refusal: { admitted: true, fault: null, silent: false },
    sockets: () => open.size,
    say: tell,
    event: (feed, result) => tell({ type: 'events', feed, results: [result] }),
    hear(message) {
      heard.push(message);
      const { socket } = message;
      const { admitted, fault, silent } = hub.refusal;
      // As over a port: never within the call.
      const answer = (reply: FromHub): void => void setImmediate(tell, reply);
      if (message.type === 'socket-open') {
        if (admitted) open.add(socket);
        answer({ type: 'socket-admitted', socket, admitted });
      } else if (message.type === 'socket-close') open.delete(socket);
      else if (message.type === 'subscribe') {
        const { ask, kind, params } = message;
        const id = `${kind} ${params}`;
        if (!feeds.has(id)) feeds.set(id, feeds.size + 1);
        const feed = feeds.get(id)!;
        const source = { upstream: 'node', via: 'websocket' } as const;
        if (silent) return;
        if (fault !== null) answer({ type: 'not-subscribed', socket, ask, fault });
        else answer({ type: 'subscribed', socket, ask, feed, source, listeners: 1 });
      }
    },
  };
  return hub;
}
