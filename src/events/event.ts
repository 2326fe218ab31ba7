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
  unit: z.enum(['requests', 'cost']).describe('What it counts: calls, or their cost units'),
  limit: z.int().describe('How many a period'),
  used: z.int().describe('How many of this period’s are used'),
  period: z.enum(['day', 'month']).describe('Of the calendar, UTC'),
  resetsAt: z.iso.datetime().describe('When the next period begins'),
};

const node = {
  network: z.string().describe('Its network'),
  upstream: z.string().describe('Its name'),
};

const instance = z.string().describe('Id of the instance that saw it');

const alert = {
  alert: z.string().describe('Its name'),
  when: z.string().describe('Its condition'),
};
const value = z.number().describe('The metric now: a share from 0 to 1, seconds, or a number');

/** What each type of event tells. Names are of the API: they never change their meaning. */
export const eventData = {
  'rate_limit.exceeded': z.object({
    ...limitData,
    retryAfterMs: z
      .int()
      .nullable()
      .describe(
        'Milliseconds until the next call passes; null: never, since it costs more than the bucket holds',
      ),
  }),
  'burst.used': z.object(limitData),
  'burst.depleted': z.object(limitData),
  'method.blocked': z.object({
    ...folded,
    network,
    method,
    pattern: z.string().describe('Pattern of `methods.blocked` that it fits'),
  }),
  'quota.warning': z.object({
    ...quotaData,
    percent: z.number().describe('The mark of `warn_at` that was reached'),
  }),
  'quota.exceeded': z.object({ ...quotaData, ...folded }),
  'config.reloaded': z.object({
    ok: z.boolean().describe('Was it taken over?'),
    hash: z.string().describe('Of the config that holds now'),
    generation: z.int().describe('Of the config that holds now: one more with each that was taken over'),
    problem: z.string().nullable().describe('Why the new one was refused; the old one holds'),
    restartNeeded: z.array(z.string()).describe('What of it waits for a restart, a sentence each'),
  }),
  'ip.banned': z.object({
    reason: z.string().describe('Why'),
    by: z.string().describe('`auto`, or who did it'),
    until: z.iso.datetime().nullable().describe('null: until it is lifted'),
    times: z.int().describe('How often this one has been banned'),
    simulated: z.boolean().describe('Only said, not done: `simulate` is on'),
  }),
  'ip.unbanned': z.object({
    reason: z.enum(['expired', 'lifted']).describe('Its time was over, or somebody lifted it'),
    by: z.string().describe('`auto`, or who did it'),
  }),
  'upstream.down': z.object({ ...node, reason: z.string().describe('Why') }),
  'upstream.up': z.object({
    ...node,
    downMs: z.int().describe('Milliseconds that it was down'),
    reason: z
      .string()
      .nullable()
      .describe('Why it counts as down no more though no check says so; null: its checks are good'),
  }),
  'redis.down': z.object({ instance, reason: z.string().describe('Why') }),
  'redis.up': z.object({
    instance,
    downMs: z.int().describe('Milliseconds from its going to its last return'),
    losses: z.int().min(1).describe('How often it went away in that time'),
  }),
  'alert.firing': z.object({
    ...alert,
    value,
    threshold: z.number().describe('What it is measured against, in the same unit'),
    since: z.iso.datetime().describe('Since when the condition has held'),
  }),
  'alert.resolved': z.object({
    ...alert,
    value: value.nullable().describe('The metric now, in the same unit; null: not known'),
    firedMs: z.int().describe('Milliseconds that it fired'),
  }),
} satisfies Record<EventTypeName, z.ZodObject>;

export type EventType = EventTypeName;
export type EventDataOf<Type extends EventType> = z.infer<(typeof eventData)[Type]>;

/** What a source says has happened; {@link CloudEvent} is made of it. */
export type EventDraft = {
  [Type in EventType]: {
    type: Type;
    /** Whom it is about: `key:<prefix>` with the key's name, an address, `upstream:<network>/<name>`, `config`, `redis:<instance>`, `alert:<name>`. */
    subject: string;
    severity: Severity;
    /** Epoch milliseconds at which it happened. */
    atMs: number;
    /** Of the key and its user where it is about one: sinks may choose by them. */
    keyId?: string;
    userId?: string;
    /** Names of the sinks that get it; absent or none: all that take its type. */
    sinks?: readonly string[];
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
