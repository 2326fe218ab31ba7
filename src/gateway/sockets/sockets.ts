import type { HeldAnswers, Turn, UpgradeHandler } from '../../http/index.ts';
import {
  type CloseCause,
  closeCauses,
  createListeners,
  createOpening,
  type FromHub,
  type Listeners,
  type Session,
  type SessionStats,
  type SocketSettings,
  type ToHub,
} from '../../websocket/index.ts';
import { EVENT_METHOD, type TurnUsage } from '../../usage/index.ts';
import type { Admission } from '../admit.ts';
import { type Candidate, createCandidates } from './candidates.ts';
import type { LimitStage } from '../limit/limit.ts';
import type { CallContext } from '../context.ts';
import type { Arrival, CallReader } from '../read-calls.ts';
import type { Reign } from '../reign.ts';
import { cutId } from '../request-id.ts';
import type { EventFold } from '../event-fold.ts';
import { closeCounters, type SocketCounts } from '../figures/socket-counts.ts';
import { createVisitors, type Visitor } from './visitors.ts';
import { createWalk } from './walk.ts';

/** How often sockets are asked for a sign of life, and their keys looked at. */
const SWEEP_MS = 1000;
/** The WebSockets of one worker. */
export interface Sockets {
  readonly upgrade: UpgradeHandler;
  readonly listeners: Listeners;
  /** To be set once the call reader stands: sockets are one of its sources, and one of its stages asks for them. */
  start(reader: CallReader): void;
  hear(message: FromHub): void;
  /** A policy was swapped: sockets whose key or network is gone are closed, no other is moved. */
  apply(): void;
  /** Closes those whose key is gone from the index, or whose address is refused: very many in several turns. */
  look(): void;
  /** Closes each once what it has under way is answered; resolves when none is left. */
  drain(): Promise<void>;
  /** Ends what is left at once. */
  destroy(): void;
  counts(): SocketCounts;
}

export function createSockets(options: {
  reign: () => Reign;
  /** Numbers this worker among all there were, for the ids of sockets. */
  idPrefix: string;
  turn: Turn;
  held: Pick<HeldAnswers, 'grown'>;
  limits: LimitStage;
  events: Pick<EventFold, 'charged'>;
  admission: Pick<Admission, 'refuses' | 'turnsAway'>;
  usage: TurnUsage;
  /** Nothing may be delivered now: its usage could not be kept. */
  unmetered: (context: CallContext) => boolean;
  tell: (message: ToHub) => void;
  received: (bytes: number) => void;
  /** A message of the socket with that id threw. */
  failed: (error: unknown, socketId: string) => void;
  /** Milliseconds on a steady clock. */
  nowMs: () => number;
  epochMs: () => number;
}): Sockets {
  const { reign, tell, nowMs, epochMs } = options;
  const sessions = new Map<number, Session>();
  const stats: SessionStats = { bytesOut: 0 };
  const closes: Partial<SocketCounts> = {};
  let opened = 0;
  let last = 0;
  let reader: CallReader | undefined;
  let drained: (() => void) | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  let settings = settingsOf(reign());
  const visitors = createVisitors({ reign, admission: options.admission, epochMs });
  const visitorOf = (session: Session): Visitor => session.memo as Visitor;

  const listeners = createListeners({
    tell,
    charge,
    conflate: () => settings.conflate,
    settle: options.turn.settle,
    nowMs,
  });
  const open = createOpening({
    turn: options.turn,
    held: options.held,
    stats,
    settings: () => settings,
    now: nowMs,
    received: options.received,
    message: receive,
    failed: (session, error) => options.failed(error, visitorOf(session).context.socketId ?? ''),
    closed,
  });

  /** An event is paid for before it is sent; it takes no tokens of buckets, and is never refused by them. */
  function charge(session: Session, bytes: number): boolean {
    const { context } = visitorOf(session);
    if (options.unmetered(context)) {
      session.close(closeCauses.unmetered);
      return false;
    }
    const { cost } = context.policy.method(EVENT_METHOD);
    const charge = options.limits.chargeEvent(context, cost);
    if (charge !== null) options.events.charged(charge);
    if (charge === null || charge.refusal === null) {
      options.usage.addEvent(context.caller.keyId, visitorOf(session).networkName, cost, bytes);
      return true;
    }
    const detail = { requestId: context.socketId ?? '', data: charge.refusal };
    session.send(context.policy.errorAnswer('null', 'quota_exhausted', detail));
    session.finish(closeCauses.quota);
    return false;
  }

  function receive(session: Session, bytes: Buffer): void {
    const visitor = visitorOf(session);
    if (visitor.reign !== reign()) visitors.refresh(visitor);
    const { caller } = visitor.context;
    if (visitor.digest !== null && !visitor.reign.callers.current(caller, epochMs)) visitors.refresh(visitor);
    const { context } = visitor;
    if (context.network < 0) {
      // Its turn to be looked at has not come yet.
      session.finish(closeCauses.networkGone);
      return session.answer('');
    }
    const arrival: Arrival = { context, callerRequestId: undefined, reply: replyOf(session), session };
    const { messagesRule } = context.policy.keySet(context.caller.ruleSet).bounds;
    const refusal = messagesRule === null ? null : options.limits.takeMessage(context, messagesRule);
    if (refusal === null) reader!.read(bytes, 0, bytes.length, arrival);
    else reader!.turnAway(bytes, arrival, { code: 'rate_limited', ...refusal });
  }

  function closed(session: Session, { code, reason, label }: CloseCause): void {
    sessions.delete(session.number);
    listeners.left(session);
    const counter = closeCounters[label];
    closes[counter] = (closes[counter] ?? 0) + 1;
    const { messages, events, bytesIn, bytesOut } = session;
    tell({
      type: 'socket-close',
      socket: session.number,
      ...{ code, reason, totals: { messages, events, bytesIn, bytesOut } },
    });
    checkDrained();
  }

  /** Who was let in by a policy that is over: is there still a place for it? */
  function look(session: Session): void {
    const visitor = visitorOf(session);
    const known =
      visitor.reign === reign() &&
      (visitor.digest === null || visitor.reign.callers.current(visitor.context.caller, epochMs));
    if (!known) visitors.refresh(visitor);
    if (options.admission.refuses(visitor.context)) return session.finish(closeCauses.banned);
    if (known) return;
    const { caller, network } = visitor.context;
    if (network < 0) session.finish(closeCauses.networkGone);
    else if (caller.refusedBecause !== null)
      session.finish(visitor.digest === null ? closeCauses.keyNeeded : closeCauses.keyGone);
  }

  const candidates = createCandidates({
    tell,
    refuse: (code, arrival, data) => reader!.refuse(code, arrival, data),
    open: admit,
    left: checkDrained,
  });

  function admit(number: number, { request, visitor }: Candidate): boolean {
    const session = open(request, number, visitor.context.socketId ?? '');
    if (session === undefined) return false;
    session.memo = visitor;
    sessions.set(number, session);
    opened++;
    look(session);
    return true;
  }

  function checkDrained(): void {
    if (sessions.size + candidates.size === 0) drained?.();
  }

  const walk = createWalk(() => sessions.values(), look);

  const upgrade: UpgradeHandler = (request) => {
    const number = ++last;
    const { visitor, refusal } = visitors.receive(request, `${options.idPrefix}-${number.toString(36)}`);
    const arrival: Arrival = {
      context: visitor.context,
      callerRequestId: cutId(request.requestId),
      reply: {
        abandoned: false,
        send: (status, headers, body) => request.refuse(status, headers, body.toString('latin1')),
      },
      session: null,
    };
    if (refusal === null) candidates.ask(number, { request, arrival, visitor });
    else reader!.refuse(refusal.code, arrival, refusal.data);
  };

  return {
    upgrade,
    listeners,
    start(given) {
      reader = given;
      sweeper = setInterval(() => {
        const now = nowMs();
        for (const session of sessions.values()) session.sweep(now);
        walk();
      }, SWEEP_MS).unref();
    },
    hear(message) {
      if (message.type === 'socket-admitted') candidates.hear(message.socket, message.admitted);
      else listeners.hear(message);
    },
    apply() {
      settings = settingsOf(reign());
      walk();
    },
    look: walk,
    async drain() {
      const done = new Promise<void>((resolve) => (drained = resolve));
      candidates.refuseAll();
      for (const session of sessions.values()) session.finish(closeCauses.restart);
      if (sessions.size + candidates.size > 0) await done;
      clearInterval(sweeper);
    },
    destroy() {
      for (const session of sessions.values()) session.end(closeCauses.restart);
    },
    counts: () => ({
      ...noCloses,
      ...closes,
      socketsOpen: sessions.size,
      socketsTotal: opened,
      socketBytesOut: stats.bytesOut,
      subscriptionsOpen: listeners.stats.open,
      events: listeners.stats.events,
      eventBytes: listeners.stats.eventBytes,
      eventsConflated: listeners.stats.conflated,
    }),
  };
}

const noCloses = Object.fromEntries(Object.values(closeCounters).map((name) => [name, 0])) as SocketCounts;

function replyOf(session: Session): Arrival['reply'] {
  return {
    get abandoned() {
      return session.closed;
    },
    send: (_status, _headers, body) => session.answer(body),
  };
}

function settingsOf({ policy }: Reign): SocketSettings {
  const { websocket, server } = policy.snapshot;
  return {
    sendBufferBytes: websocket.sendBufferBytes,
    stalledMs: server.requestTimeoutMs,
    unfinishedMs: server.requestTimeoutMs,
    maxRefusals: websocket.maxRefusals,
    pingIntervalMs: websocket.pingIntervalMs,
    pongTimeoutMs: websocket.pongTimeoutMs,
    conflate: websocket.slowConsumers === 'conflate',
    compression: websocket.compression,
    maxMessageBytes: server.maxBodyBytes,
  };
}
