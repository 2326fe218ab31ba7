import * as z from 'zod';
import type { EventTypeName, Severity } from '../config/index.ts';

const count = z
  .int()
  .min(1)
  .describe('How often since the last event of this type and subject; 1 for the first');
const windowMs = z
  .int()
  .min(0)
  .describe('Milliseconds that `count` is of; 0 for the first, which is told at once');
const folded = { count, windowMs };
const network = z.string().describe('Network of the (first) call');
const method = z.string().describe('Method of the (first) call');

const limitData = {
  ...folded,
  network,
  method,
  policy: z.string().describe('Rule that decided, as in the error’s `data.policy`'),
  limit: z.int().describe('Requests a period'),
  burst: z.int().describe('Burst size'),
};

const quotaData = {
  of: z.enum(['key', 'user']).describe('Whose quota it is'),
  unit: z.enum(['requests', 'cost']),
  limit: z.int(),
  used: z.int(),
  period: z.enum(['day', 'month']),
  resetsAt: z.iso.datetime(),
};

/** What each type of event tells. Names are of the API: they never change their meaning. */
export const eventData = {
  'rate_limit.exceeded': z.object({
    ...limitData,
    retryAfterMs: z.int().nullable().describe('null: never, since it costs more than the bucket holds'),
  }),
  'burst.used': z.object(limitData),
  'burst.depleted': z.object(limitData),
  'method.blocked': z.object({ ...folded, network, method, pattern: z.string() }),
  'quota.warning': z.object({
    ...quotaData,
    percent: z.number().describe('The mark of `warn_at` that was reached'),
  }),
  'quota.exceeded': z.object({ ...quotaData, ...folded }),
  'config.reloaded': z.object({
    ok: z.boolean(),
    hash: z.string().describe('Of the config that holds now'),
    generation: z.int(),
    problem: z.string().nullable().describe('Why the new one was refused; the old one holds'),
    restartNeeded: z.array(z.string()),
  }),
  'ip.banned': z.object({
    reason: z.string(),
    by: z.string().describe('`auto`, or who did it'),
    until: z.iso.datetime().nullable().describe('null: until it is lifted'),
    times: z.int().describe('How often this one has been banned'),
    simulated: z.boolean(),
  }),
  'ip.unbanned': z.object({ reason: z.enum(['expired', 'lifted']), by: z.string() }),
  'upstream.down': z.object({ network: z.string(), upstream: z.string(), reason: z.string() }),
  'upstream.up': z.object({ network: z.string(), upstream: z.string(), downMs: z.int() }),
  'alert.firing': z.object({
    alert: z.string(),
    when: z.string(),
    value: z.number(),
    threshold: z.number(),
    since: z.iso.datetime(),
  }),
  'alert.resolved': z.object({ alert: z.string(), when: z.string(), value: z.number(), firedMs: z.int() }),
} satisfies Record<EventTypeName, z.ZodObject>;

export type EventType = EventTypeName;
export type EventDataOf<Type extends EventType> = z.infer<(typeof eventData)[Type]>;

/** What a source says has happened; {@link CloudEvent} is made of it. */
export type EventDraft = {
  [Type in EventType]: {
    type: Type;
    /** Whom it is about: `key:<prefix>` with the key's name, an address, `upstream:<network>/<name>`, `config`, `alert:<name>`. */
    subject: string;
    severity: Severity;
    /** Epoch milliseconds at which it happened. */
    atMs: number;
    /** Of the key and its user where it is about one: sinks may choose by them. */
    keyId?: string;
    userId?: string;
    data: EventDataOf<Type>;
  };
}[EventType];

/** CloudEvents 1.0 in JSON, as sinks get it. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export interface CloudEvent {
  specversion: '1.0';
  /** UUID v7: the same at every attempt and after a kill. */
  id: string;
  source: string;
  type: EventType;
  subject: string;
  /** RFC 3339, UTC. */
  time: string;
  datacontenttype: 'application/json';
  tenant: string;
  severity: Severity;
  /** Decimal digits, padded so that text sorts as numbers do: rises with each event of this store. */
  sequence: string;
  data: Record<string, unknown>;
}

/** Where all that happens is told. */
export interface Events {
  /** Never throws, never waits. */
  emit(draft: EventDraft): void;
}
