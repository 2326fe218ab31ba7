import { compile, createConfig, createRegistries } from '../../../config/index.ts';
import { createHash64, createLimitsMemory, createRuleVersions } from '../../../limits/index.ts';
import {
  type BoardMemory,
  createBoardMemory,
  createHeads,
  createUpstreamBoard,
} from '../../../upstream/index.ts';
import type { FromHub, SocketAbout } from '../../messages.ts';
import { type HubBounds, hubBounds } from '../bounds.ts';
import type { HubEvent } from '../events.ts';
import { createHub, type Hub } from '../hub.ts';

type Subscribed = Extract<FromHub, { type: 'subscribed' }>;
type Refused = Extract<FromHub, { type: 'not-subscribed' }>;

/** A hub as workers use it, over a config as the file has it. */
export interface TestHub {
  readonly hub: Hub;
  readonly board: BoardMemory;
  readonly events: HubEvent[];
  /** Everything that was said to any worker, in order. */
  readonly said: { worker: number; message: FromHub }[];
  update(config: object): void;
  open(worker: number, socket: number, over?: { caller?: string; maxSockets?: number }): boolean;
  subscribe(
    worker: number,
    socket: number,
    kind: string,
    params?: string,
    maxSubscriptions?: number,
  ): Promise<Subscribed | Refused>;
  unsubscribe(worker: number, socket: number, ask: number): void;
  close(worker: number, socket: number): void;
  /** Results of a feed's events as a worker got them. */
  results(worker: number, feed: number): string[];
  /** The board's numbers of a network's slot, as health checks would write them. */
  heads: ReturnType<typeof createHeads>;
  upstreams: ReturnType<typeof createUpstreamBoard>;
}

/** @param bounds in place of a gateway's; it lingers shortly otherwise */
export function startTestHub(config: object, bounds: Partial<HubBounds> = {}): TestHub {
  const seed = Uint32Array.of(1, 2, 3, 4);
  const limits = createLimitsMemory({ entries: 1024, seed });
  const registries = createRegistries({
    versions: createRuleVersions(limits),
    hash64: createHash64(seed),
    quotaSlots: 1024,
  });
  const board = createBoardMemory();
  const said: { worker: number; message: FromHub }[] = [];
  const events: HubEvent[] = [];
  /** By the number they were asked under. */
  const answers = new Map<number, (answer: Subscribed | Refused) => void>();
  const hub = createHub({
    board,
    bounds: { ...hubBounds, lingerMs: 100, ...bounds },
    send(worker, message) {
      said.push({ worker, message });
      if (message.type === 'subscribed' || message.type === 'not-subscribed')
        answers.get(message.ask)?.(message);
    },
    onEvent: (event) => void events.push(event),
  });
  const snapshotOf = (value: object) => {
    const made = createConfig(value, { name: 'test', directory: '/' });
    if (!made.ok) throw new Error(made.problems.map((problem) => JSON.stringify(problem)).join('\n'));
    return compile(made.config, registries);
  };
  hub.update(snapshotOf(config));
  let asks = 0;

  const aboutOf = (worker: number, socket: number, caller: string): SocketAbout => ({
    ...{ id: `${worker}-${socket}`, caller, keyNumber: -1, keyPrefix: '', address: '::1' },
    ...{ network: 'default', openedAtMs: 0 },
  });

  return {
    hub,
    board,
    said,
    events,
    heads: createHeads(board, 0),
    upstreams: createUpstreamBoard(board),
    update: (value) => hub.update(snapshotOf(value)),
    open(worker, socket, { caller = 'address:::1', maxSockets = 0 } = {}) {
      const about = aboutOf(worker, socket, caller);
      hub.hear(worker, { type: 'socket-open', socket, about, maxSockets });
      const last = said.at(-1)!.message;
      return last.type === 'socket-admitted' && last.admitted;
    },
    subscribe(worker, socket, kind, params = '', maxSubscriptions = 0) {
      const ask = ++asks;
      return new Promise((resolve) => {
        answers.set(ask, resolve);
        hub.hear(worker, {
          type: 'subscribe',
          ...{ socket, ask, network: 'default', kind, params, maxSubscriptions },
        });
      });
    },
    unsubscribe: (worker, socket, ask) => hub.hear(worker, { type: 'unsubscribe', socket, ask }),
    close: (worker, socket) =>
      hub.hear(worker, {
        ...{ type: 'socket-close', socket, code: 1000, reason: '' },
        totals: { messages: 0, events: 0, bytesIn: 0, bytesOut: 0 },
      }),
    results: (worker, feed) =>
      said.flatMap(({ worker: to, message }) =>
        to === worker && message.type === 'events' && message.feed === feed ? message.results : [],
      ),
  };
}
