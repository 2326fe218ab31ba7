import { randomBytes } from 'node:crypto';
import { createEnvelopes, type EventDraft, type OutboxEntry, outboxEntry } from '../../../events/index.ts';

const envelope = createEnvelopes({ source: () => 'test', random: randomBytes });

/** The event as it goes into the outbox. */
export const entryOf = (draft: EventDraft): OutboxEntry => outboxEntry(envelope(draft), draft, []);
