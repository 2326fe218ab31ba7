import { createEnvelopes, numbered } from './envelope.ts';
import type { CloudEvent, EventType } from './event.ts';
import { sampleDrafts } from './samples.ts';

/** The sample of that type in its envelope: the same at every call, but for what `more` says. */
export function exampleEvent(type: EventType, more: Partial<CloudEvent> = {}): CloudEvent {
  const number = Object.keys(sampleDrafts).indexOf(type) + 1;
  const envelope = createEnvelopes({
    source: () => '/polymorph',
    random: (bytes) => Uint8Array.from({ length: bytes }, (_, index) => (index * 29 + number * 7) & 0xff),
  });
  return { ...numbered(envelope(sampleDrafts[type]), 1040 + number), ...more };
}
