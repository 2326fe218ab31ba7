import type { CloudEvent, EventDraft } from './event.ts';

/** Digits of a sequence: text then sorts as numbers do, up to what a database counts to. */
const SEQUENCE_DIGITS = 19;

/** An event before the store has given it its number. */
export type UnnumberedEvent = Omit<CloudEvent, 'sequence'>;

/** Makes envelopes. Ids are UUID v7 (RFC 9562, 5.7) of the time that an event is of. */
export function createEnvelopes(parts: {
  source(): string;
  /** Fills bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
}): (draft: EventDraft) => UnnumberedEvent {
  return ({ type, subject, severity, atMs, data }) => ({
    specversion: '1.0',
    id: uuidV7(atMs, parts.random(10)),
    source: parts.source(),
    type,
    subject,
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    tenant: 'default',
    severity,
    data,
  });
}

/** The whole event; its members always in the same order, so that its JSON is the same bytes at each attempt. */
export function numbered(event: UnnumberedEvent, number: number): CloudEvent {
  const { data, ...rest } = event;
  return { ...rest, sequence: String(number).padStart(SEQUENCE_DIGITS, '0'), data };
}

function uuidV7(atMs: number, random: Uint8Array): string {
  const time = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, '0').slice(-12);
  const bytes = Buffer.from(random);
  bytes[0] = (bytes[0]! & 0x0f) | 0x70;
  bytes[2] = (bytes[2]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
}
