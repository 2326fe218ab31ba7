export { createAlerts, trafficSample } from './alerts/index.ts';
export { createEnvelopes, numbered, type UnnumberedEvent } from './envelope.ts';
export type { CloudEvent, EventDataOf, EventDraft, Events, EventType } from './event.ts';
export { eventData } from './event.ts';
export { HttpProblem, type HttpProblemCode } from './http/http-problem.ts';
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
