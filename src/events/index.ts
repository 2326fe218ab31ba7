export type { CloudEvent, EventDataOf, EventDraft, Events, EventType, Severity } from './event.ts';
export { eventData, severities } from './event.ts';
export type {
  Delivery,
  DeliveryResult,
  Sink,
  SinkDeps,
  SinkHttp,
  SinkRequest,
  SinkResponse,
} from './sink.ts';
