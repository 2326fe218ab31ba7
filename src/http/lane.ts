import type { Socket } from 'node:net';
import type { HeldAnswers } from './held-answers.ts';
import { LaneConnection, type LaneContext } from './lane-connection.ts';
import type { HttpSettings, HttpStats, RefuseHttp, RequestHandler } from './message.ts';
import { createSharedReads } from './shared-reads.ts';
import type { Turn } from './turn.ts';

/** How often timeouts are looked at: they end up to this much late. */
const SWEEP_MS = 250;
const DRAIN_SWEEP_MS = 50;

export interface Lane {
  /** Takes a fresh connection; returns the socket that carries it from now on. */
  accept(socket: Socket): Socket;
  /** Ends idle connections soon and the others after their answers; resolves when none is left. */
  drain(): Promise<void>;
  /** Ends what is left at once. */
  destroy(): void;
}

/**
 * The fast lane: plainly simple HTTP/1.1 POST requests, read and answered without node:http. A connection
 * that sends anything else goes to `handOver` for the rest of its life, with the bytes not served put back.
 */
export function createLane(options: {
  handler: RequestHandler;
  refuse: RefuseHttp;
  turn: Turn;
  held: HeldAnswers;
  settings: () => HttpSettings;
  stats: HttpStats;
  /** Milliseconds on any steady clock. */
  now: () => number;
  /** Read all plain sockets into one buffer, where Node's insides allow it. */
  sharedReads: boolean;
  /** The socket brings what was not served. */
  handOver: (socket: Socket) => void;
}): Lane {
  const connections = new Set<LaneConnection>();
  let drained: (() => void) | undefined;

  const context: LaneContext = {
    ...options,
    sharedReads: options.sharedReads ? createSharedReads() : null,
    draining: false,
    closed(connection) {
      connections.delete(connection);
      if (connections.size === 0) drained?.();
    },
  };

  const sweep = (): void => {
    const now = options.now();
    const settings = options.settings();
    for (const connection of connections) connection.sweep(now, settings);
  };
  let sweeper = setInterval(sweep, SWEEP_MS).unref();

  return {
    accept(socket) {
      const connection = new LaneConnection(context, socket);
      connections.add(connection);
      return connection.socket;
    },
    async drain() {
      context.draining = true;
      clearInterval(sweeper);
      sweeper = setInterval(sweep, DRAIN_SWEEP_MS);
      const now = options.now();
      for (const connection of connections) connection.drain(now);
      if (connections.size > 0) await new Promise<void>((resolve) => (drained = resolve));
      clearInterval(sweeper);
    },
    destroy() {
      for (const connection of connections) connection.destroy();
      clearInterval(sweeper);
    },
  };
}
