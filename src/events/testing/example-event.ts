import type { CloudEvent } from '../event.ts';
import type { Delivery } from '../sink.ts';

export { exampleEvent } from '../example-event.ts';

/** An event on its first way. */
export function deliveryOf(event: CloudEvent, more: Partial<Delivery> = {}): Delivery {
  return { event, body: JSON.stringify(event), attempt: 1, atMs: Date.parse(event.time) + 250, ...more };
}
