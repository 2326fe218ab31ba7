import type { EventType, SinkState } from '../../events/index.ts';

/** How events stand: plain data, for metrics and pages. */
export interface EventsState {
  /** Events made, by type. */
  emitted: Partial<Record<EventType, number>>;
  /** Of what happened, how much has no event of its own. */
  folded: number;
  /** Subjects whose window is open. */
  subjects: number;
  /** On their way into the outbox. */
  waiting: number;
  /** Dropped, since the outbox did not take them for too long, or has no room (in memory). */
  lost: number;
  outbox: { kind: 'store' } | { kind: 'memory'; size: number };
  sinks: Record<string, SinkState>;
}
