import { randomBytes } from 'node:crypto';
import type { ReadinessCheck } from '../../admin/index.ts';
import { type Config, configHash, floodTypes } from '../../config/index.ts';
import {
  createDelivery,
  createEmitter,
  createFold,
  createMemoryOutbox,
  createResolve,
  createRouting,
  createSink,
  createSinkHttp,
  type DeliveryTiming,
  type EventDraft,
  type Events,
  isFolded,
  type Outbox,
  type OutboxEntry,
  type Resolve,
  systemNames,
} from '../../events/index.ts';
import type { WorkerEvent } from '../../gateway/index.ts';
import type { HealthEvent, NetworkHealth } from '../../upstream/index.ts';
import type { NamedKey } from '../explain-port.ts';
import type { Logger } from '../logs.ts';
import type { ReloadResult } from '../reload.ts';
import type { EventsState } from './events-state.ts';
import { draftOfHealth, draftOfReload, draftOfWorker } from './drafts.ts';
import { eventsCheck } from './events-check.ts';
import { createIncidents } from './incidents.ts';
import { createMarkedEnvelopes, createToldMarks } from './warning-ids.ts';

/** Where events go, also those that belong into a transaction with what caused them. */
export interface CausedEvents extends Events {
  /** An event for somebody else's transaction, to be given to `Tables.outbox.add` there; null: nobody wants it. Then {@link added}. */
  prepare(draft: EventDraft): OutboxEntry | null;
  /** That transaction is committed: the outbox has something new. */
  added(): void;
}

/** Everything that is told: from where it happens to where it goes. */
export interface EventsKeeper extends CausedEvents {
  heard(events: readonly WorkerEvent[]): void;
  health(event: HealthEvent): void;
  reloaded(result: ReloadResult, config: Config): void;
  /** The gateway serves, and knows its upstreams: what was open when it last ended is looked at. */
  began(): void;
  checks(): ReadinessCheck[];
  state(): EventsState;
  /** Tells of what is counted, delivers what is due within `boundMs`. What is left is in the store. */
  drain(boundMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface EventsKeeperOptions {
  config: Config;
  /** Of the store; null: there is none. */
  outbox: { outbox: Outbox; by: string; shared: boolean } | null;
  keyByNumber(keyNumber: number): NamedKey | undefined;
  /** Upstreams that are checked, as the config says now. */
  watched(): readonly Pick<NetworkHealth, 'network' | 'upstreams'>[];
  /** See `createIncidents`. */
  redis?: Parameters<typeof createIncidents>[0]['redis'];
  logger: Pick<Logger, 'warn' | 'error'>;
  /** Standard output, a line at a time. */
  write(line: string): void;
  epochMs(): number;
  resolve?: Resolve;
  timing?: Partial<DeliveryTiming>;
}

const LOOK_MS = 250;

export function createEventsKeeper(options: EventsKeeperOptions): EventsKeeper {
  const { logger, epochMs } = options;
  let { config } = options;
  const memory = options.outbox === null ? createMemoryOutbox() : null;
  const { outbox, by, shared } = options.outbox ?? { outbox: memory!, by: 'memory', shared: false };
  const isTold = createToldMarks();
  let routing = createRouting(config.events.sinks);
  const sinkHttp = createSinkHttp({
    resolve: options.resolve ?? createResolve(systemNames),
  });
  const deps = {
    http: sinkHttp.http,
    ...{ write: options.write, epochMs, random: Math.random },
    recordBilling: outbox.recordBilling,
  };
  const delivery = createDelivery({
    ...{ outbox, by, shared, epochMs, elapsedMs: () => performance.now(), log: logger, random: Math.random },
    timing: options.timing,
    makeSink: (sink) => createSink(sink, deps),
  });
  const emitter = createEmitter({
    outbox,
    envelope: createMarkedEnvelopes({ source: () => config.events.source, random: randomBytes }),
    route({ type, severity, subject, keyId = null, userId = null, sinks: named }) {
      const sinks = routing({ type, severity, subject, keyId, userId, sinks: named });
      if (sinks.length > 0) return sinks;
      // With a store they are its history, whoever wants them; but whoever has many addresses could fill the disk.
      const isFree = keyId === null && floodTypes.includes(type);
      return memory === null && !isFree ? sinks : null;
    },
    onAdded: delivery.poke,
    onLost: () =>
      logger.error(
        { kind: 'events' },
        'events are lost: too many wait for the store, or it has no place for them',
      ),
  });
  const fold = createFold({
    emit: emitter.emit,
    windowMs: () => config.events.window,
    monotonicMs: () => performance.now(),
    epochMs,
  });
  const looks = setInterval(() => fold.look(), LOOK_MS);
  looks.unref();

  const emit = (draft: EventDraft): void => {
    if (isTold(draft)) return;
    if (draft.type === 'alert.firing') incidents.fired(draft.subject);
    if (isFolded(draft)) fold.add(draft);
    else emitter.emit(draft);
  };
  const emitIf = (draft: EventDraft | null): void => {
    if (draft !== null) emit(draft);
  };
  const incidents = createIncidents({
    ...{ outbox, shared, emit, epochMs },
    watched: options.watched,
    redis: options.redis ?? null,
  });
  const sayWhere = (): void => {
    if (memory !== null && config.events.sinks.length > 0)
      logger.warn(
        { kind: 'events' },
        'events are kept in memory (store: none): what is not delivered is lost with the process',
      );
  };
  const state = (): EventsState => {
    const { emitted, waiting, lost } = emitter.state();
    return {
      ...{ emitted, waiting, folded: fold.folded, subjects: fold.subjects },
      lost: lost + (memory?.dropped ?? 0),
      outbox: memory === null ? { kind: 'store' } : { kind: 'memory', size: memory.size },
      sinks: delivery.state(),
    };
  };
  sayWhere();
  delivery.configure(config.events.sinks);

  return {
    emit,
    prepare: emitter.prepare,
    added: delivery.poke,
    heard(events) {
      for (const event of events) emit(draftOfWorker(event, options.keyByNumber));
    },
    health: (event) => emitIf(incidents.health(event) ?? draftOfHealth(event, epochMs())),
    began: incidents.begin,
    reloaded(result, next) {
      if (result.outcome === 'applied') {
        // To those that were told of the beginning, before they change.
        incidents.look();
        const hadSinks = config.events.sinks.length > 0;
        config = next;
        routing = createRouting(config.events.sinks);
        delivery.configure(config.events.sinks);
        if (!hadSinks) sayWhere();
      }
      emitIf(draftOfReload(result, configHash(config), epochMs()));
    },
    checks: () => eventsCheck(state()),
    state,
    async drain(boundMs) {
      incidents.stop();
      const until = performance.now() + boundMs;
      clearInterval(looks);
      fold.flush();
      await emitter.flush(boundMs / 2);
      const { waiting } = emitter.state();
      if (waiting > 0)
        logger.error(
          { kind: 'events', events: waiting },
          `${waiting} events are lost: the store did not take them before the end`,
        );
      emitter.stop();
      await delivery.drain(Math.max(0, until - performance.now()));
      sinkHttp.close();
    },
    async stop() {
      incidents.stop();
      clearInterval(looks);
      emitter.stop();
      await delivery.stop();
      sinkHttp.close();
    },
  };
}
