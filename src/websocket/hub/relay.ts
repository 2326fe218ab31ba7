import type { UpstreamPolicy } from '../../config/index.ts';
import type { FeedSource, SubscribeFault } from '../messages.ts';
import { type HubClock, pause } from './clock.ts';
import type { NodeSocket } from './node-socket.ts';
import type { Nodes } from './nodes.ts';
import { createPenalties } from './penalties.ts';

/**
 * A subscription of one upstream, passed on as it is. Where that is lost another one is subscribed to; what passed
 * meanwhile is missed.
 */
export interface Relay {
  readonly source: FeedSource;
  /** null: it is subscribed. */
  start(): Promise<SubscribeFault | null>;
  recheck(): void;
  stop(): void;
}

const RETRY_MS = 500;
/** Rounds in a row in which each upstream that answered refused it: no node will take it back. */
const REFUSED_ROUNDS_MAX = 5;

export function createRelay(options: {
  nodes: Nodes;
  clock: HubClock;
  /** The whole params array as JSON text. */
  params: string;
  kind: string;
  onEvent(result: string): void;
  onSource(source: FeedSource, why: string): void;
  /** It was lost, and no upstream takes it. */
  onLost(reason: string): void;
}): Relay {
  const { nodes, clock } = options;
  const penalties = createPenalties(clock);
  let held: Held | null = null;
  let stopped = false;
  let seeking = false;
  /** Somebody listens, and nothing is subscribed to. */
  const isWanted = (): boolean => !stopped && held === null;

  async function subscribe(upstream: UpstreamPolicy): Promise<SubscribeFault | null> {
    const socket = await nodes.socket(upstream);
    const answer = await socket.subscribe(options.params, options.onEvent);
    if (answer.kind === 'subscribed' && !stopped) {
      const own: Held = { upstream, socket, id: answer.id, sinceMs: clock.now(), callOff: () => {} };
      held = own;
      // At once, where it broke off right behind its answer.
      own.callOff = socket.onceClosed((reason) => lose(own, reason));
      return null;
    }
    if (answer.kind === 'subscribed') socket.unsubscribe(answer.id);
    nodes.release(socket);
    if (answer.kind === 'error') return { why: 'node_error', error: answer.error };
    throw new Error(answer.kind === 'failed' ? answer.reason : 'nobody listens any more');
  }

  /** A node's refusal is an answer; whoever cannot be reached is passed over. */
  async function take(): Promise<SubscribeFault | null> {
    const able = nodes.inOrder().filter(({ ws }) => ws !== null);
    if (able.length === 0)
      return { why: 'unsupported', message: `${options.kind} needs an upstream with WebSocket` };
    let refusal: SubscribeFault = { why: 'no_upstream' };
    for (const upstream of able.filter(({ name }) => penalties.wait(name) === 0)) {
      try {
        const fault = await subscribe(upstream);
        if (fault === null) return null;
        refusal = fault;
      } catch {
        penalties.failed(upstream.name);
      }
    }
    return refusal;
  }

  function lose(which: Held, reason: string): void {
    if (held !== which) return;
    const { name } = which.upstream;
    drop();
    penalties.failed(name, clock.now() - which.sinceMs);
    options.onSource({ upstream: '', via: 'websocket' }, `${name}: ${reason}`);
    if (!seeking) void again();
  }

  async function again(): Promise<void> {
    seeking = true;
    for (let refused = 0; isWanted(); ) {
      const fault = await take();
      const { upstream } = heldNow() ?? {};
      if (upstream !== undefined)
        options.onSource({ upstream: upstream.name, via: 'websocket' }, 'the one before was lost');
      if (fault === null) continue;
      refused = fault.why === 'no_upstream' ? 0 : refused + 1;
      if (refused >= REFUSED_ROUNDS_MAX) {
        stopped = true;
        // The fault's own words name the kind, which is its caller's text.
        options.onLost(
          fault.why === 'unsupported'
            ? 'no upstream with WebSocket is left'
            : 'no upstream takes it any more',
        );
      } else await pause(clock, RETRY_MS * (1 + refused));
    }
    seeking = false;
  }

  const heldNow = (): Held | null => held;

  function drop(): void {
    if (held === null) return;
    const { socket, id, callOff } = held;
    held = null;
    callOff();
    socket.unsubscribe(id);
    nodes.release(socket);
  }

  return {
    get source(): FeedSource {
      return { upstream: held?.upstream.name ?? '', via: 'websocket' };
    },
    start: take,
    recheck() {
      if (held === null) return;
      const policy = nodes.find(held.upstream.name);
      if (policy === undefined || policy.ws?.url !== held.upstream.ws?.url) lose(held, 'its address changed');
    },
    stop() {
      stopped = true;
      drop();
    },
  };
}

interface Held {
  readonly upstream: UpstreamPolicy;
  readonly socket: NodeSocket;
  readonly id: string;
  readonly sinceMs: number;
  callOff: () => void;
}
