export { createAlerts, trafficSample } from './alerts/index.ts';
export { createEnvelopes, numbered, type UnnumberedEvent } from './envelope.ts';
export type { CloudEvent, EventDataOf, EventDraft, Events, EventType } from './event.ts';
export { createDelivery, type DeliveryEngine, type DeliveryTiming } from './delivery/delivery.ts';
export type { SinkState } from './delivery/sink-slot.ts';
export { within } from './delivery/within.ts';
export { createEmitter, type Emitter } from './emitter.ts';
export { createFold, type Fold, isFolded } from './fold.ts';
export { createResolve, type Resolve, systemNames } from './http/resolve.ts';
export { createSinkHttp } from './http/sink-http.ts';
export { createMemoryOutbox } from './memory-outbox.ts';
export { writeAllBut } from './refusal.ts';
export { createRouting } from './routing.ts';
export {
  type ClaimedDelivery,
  type DeliveriesOf,
  type DeliveryOutcome,
  type DeliveryState,
  type DisabledSink,
  type EventFilter,
  type EventHistory,
  type EventRow,
  type Outbox,
  type OutboxEntry,
  outboxEntry,
  type UnroutedEvent,
} from './outbox.ts';
export { sampleDrafts } from './samples.ts';
export type {
  Delivery,
  DeliveryResult,
  Sink,
  SinkDeps,
  SinkHttp,
  SinkRequest,
  SinkResponse,
} from './sink.ts';
export { type AllSinkDeps, createSink } from './sinks/index.ts';
export { withEventTypes } from './reference.ts';
