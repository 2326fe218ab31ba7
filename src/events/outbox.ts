import type { EventTypeName, Severity } from '../config/index.ts';
import type { UnnumberedEvent } from './envelope.ts';
import type { EventDraft } from './event.ts';

/** Writes rows of `billing_events` of events that are in the outbox, once each. Rejects while the store is away. */
export type RecordBilling = (ids: readonly string[]) => Promise<void>;

/** An event on its way into the outbox. */
export interface OutboxEntry {
  id: string;
  type: EventTypeName;
  subject: string;
  severity: Severity;
  /** Epoch milliseconds. */
  atMs: number;
  keyId: string | null;
  userId: string | null;
  /** The envelope without its number, as JSON. */
  event: string;
  /** Names of the sinks that want it; null: a gateway is to find out. */
  sinks: readonly string[] | null;
}

/** An event that no gateway has seen yet: a command wrote it. */
export type UnroutedEvent = Omit<OutboxEntry, 'event' | 'sinks'> & { number: number };

/** `new`: never tried. `retry`: to be tried again. The others are over. */
export type DeliveryState = 'new' | 'retry' | 'delivered' | 'dead';

/** A delivery that is ours to make until the claim ends. */
export interface ClaimedDelivery {
  number: number;
  sink: string;
  subject: string;
  /** Attempts there were. */
  attempts: number;
  /** As {@link OutboxEntry.event}. */
  event: string;
}

/** Some of one sink's. */
export interface DeliveriesOf {
  sink: string;
  numbers: readonly number[];
}

/** What became of a delivery's attempt. */
export interface DeliveryOutcome {
  number: number;
  sink: string;
  state: Exclude<DeliveryState, 'new'>;
  attempts: number;
  /** Of `retry`: when it is due again. Epoch milliseconds. */
  dueAtMs: number;
  problem: string | null;
}

/** A sink that was turned off by its receiver (410), and the hash of the config that it had then. */
export interface DisabledSink {
  name: string;
  config: string;
  disabledAtMs: number;
  problem: string;
}

/**
 * Events and where they are to go, kept until they are there. Everything rejects with the store's own error where that is
 * away; nothing is half done then. `by` is the instance that asks: the same after a restart. Times are epoch milliseconds.
 */
export interface Outbox {
  /** Gives each the next number. One whose id is there already is left out: to add again is safe. */
  add(entries: readonly OutboxEntry[]): Promise<void>;
  /** The first events that no sinks were found for yet. */
  unrouted(limit: number): Promise<UnroutedEvent[]>;
  /** Says which sinks these go to; those that another instance was quicker with are left out. */
  route(
    found: readonly { number: number; subject: string; sinks: readonly string[] }[],
    nowMs: number,
  ): Promise<void>;
  /** Of each sink with something to claim: since or from when. 0: at once. */
  due(sinks: readonly string[], nowMs: number): Promise<{ sink: string; dueAtMs: number }[]>;
  /**
   * Takes deliveries of a sink until `untilMs`: as many as `limit` of those never tried, in their order, and as many that are due again. None
   * that another instance has, and none whose subject another instance has an earlier first attempt of.
   */
  claim(ask: {
    sink: string;
    limit: { new: number; retry: number };
    by: string;
    nowMs: number;
    untilMs: number;
  }): Promise<ClaimedDelivery[]>;
  /** Notes what became of them, and lets go of them. What another instance has taken over meanwhile stays its own, unless it was delivered. */
  settle(outcomes: readonly DeliveryOutcome[], by: string, nowMs: number): Promise<void>;
  /** Keeps these for longer, as far as they are claimed by it. */
  renew(by: string, these: DeliveriesOf, untilMs: number): Promise<void>;
  /** Lets go of what is claimed by it, all or these; their states stay. */
  release(by: string, these?: DeliveriesOf): Promise<void>;
  /**
   * Lets go of all of a sink that is claimed by it and that it does not know of. False: somebody is claiming there just now, maybe an earlier
   * ask of its own whose answer will not come; to be asked again.
   */
  recover(by: string, all: { sink: string; known: readonly number[] }): Promise<boolean>;
  /**
   * Makes dead letters of what waits: of one sink, or of all that are not among `except` and were due before `dueBeforeMs`. How
   * many.
   */
  abandon(
    which: { only: string } | { except: readonly string[]; dueBeforeMs: number },
    problem: string,
    nowMs: number,
  ): Promise<number>;
  disabled(): Promise<DisabledSink[]>;
  disable(sink: DisabledSink): Promise<void>;
  enable(name: string): Promise<void>;
  recordBilling: RecordBilling;
  /** The newest first, of those that are kept; without a store none are. */
  list(filter: EventFilter, limit: number): Promise<EventRow[]>;
}

/** What the store has room for; a key's prefix and name are shorter. */
const SUBJECT_MAX = 300;

/** The entry of an event. */
export function outboxEntry(
  event: UnnumberedEvent,
  { atMs, keyId, userId }: Pick<EventDraft, 'atMs' | 'keyId' | 'userId'>,
  sinks: readonly string[] | null,
): OutboxEntry {
  const { id, type, subject, severity } = event;
  return {
    ...{ id, type, severity, atMs },
    subject: subject.slice(0, SUBJECT_MAX),
    keyId: keyId ?? null,
    userId: userId ?? null,
    event: storable(JSON.stringify(event)),
    sinks,
  };
}

/** PostgreSQL's jsonb has no place for NUL and halves of surrogate pairs, which a method's name may hold. */
function storable(json: string): string {
  return json.replace(/\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '\\ufffd');
}

/** What somebody asks of the events that were: all that is given must hold. */
export interface EventFilter {
  /** Types; empty or absent: all. */
  types?: readonly EventTypeName[];
  severities?: readonly Severity[];
  subject?: string;
  keyId?: string;
  userId?: string;
  /** With a delivery to this sink. */
  sink?: string;
  /** With a delivery in one of these states (of `sink`, where that is given). */
  states?: readonly DeliveryState[];
  /** Epoch milliseconds: [from, to). */
  from?: number;
  to?: number;
  /** Only events with a smaller number. */
  before?: number;
}

export interface EventRow {
  number: number;
  id: string;
  type: EventTypeName;
  atMs: number;
  keyId: string | null;
  /** As {@link OutboxEntry.event}. */
  event: string;
  deliveries: {
    sink: string;
    state: DeliveryState;
    attempts: number;
    /** Of `retry`: when it is due. Epoch milliseconds. */
    dueAtMs: number | null;
    problem: string | null;
    /** When it was over. */
    doneAtMs: number | null;
  }[];
}

/** The events that are kept, for people. */
export interface EventHistory {
  /** The newest first. */
  list(filter: EventFilter, limit: number): Promise<EventRow[]>;
  get(id: string): Promise<EventRow | null>;
  /** Dead letters of these events and this sink, where they are given, are to be delivered anew. How many. */
  replay(which: { ids?: readonly string[]; sink?: string }, nowMs: number): Promise<number>;
  /** One event is to be sent to a sink, whether it was or not. False: there is no such event, or an instance has it in hand. */
  resend(id: string, sink: string, nowMs: number): Promise<boolean>;
}
