import { z } from 'zod';

const count = z.number().int().nonnegative();
/** Percentiles are estimates; null: there was nothing to measure. */
const micros = z.number().nonnegative().nullable();

/**
 * What is counted of calls. `calls` is the sum of the nine decisions from `allowed` to `shed`: each call, item of a batch and
 * notification once.
 */
export const callCounts = z.strictObject({
  calls: count.describe('Calls, whatever became of them'),
  allowed: count.describe('Let in'),
  burst: count.describe('Let in, using the burst of a limit'),
  exceeded: count.describe('Refused by a limit'),
  blocked: count.describe('Refused: the method is blocked'),
  quota: count.describe('Refused: the quota is used up'),
  unauthorized: count.describe('Refused: the key is unknown, disabled or expired'),
  forbidden: count.describe('Refused: the address is blocked'),
  invalid: count.describe('Refused: no valid call'),
  shed: count.describe('Turned away for want of room'),
  failed: count.describe('Of those let in: ended in an error of the gateway or for want of an answer'),
  errors: count.describe('Of those answered: with an error of the node’s own'),
  cached: count.describe('Of those answered: from what is kept'),
  joined: count.describe('Of those answered: by an identical call under way'),
  events: count.describe('Events delivered to subscribers; no calls'),
  cost: count.describe('Cost units of answered calls and of events, as in the ledger'),
  bytesIn: count.describe('Of the texts of calls that were answered, or refused by a limit or quota'),
  bytesOut: count.describe('Of their answers and of events, without HTTP heads'),
});
export type CallCounts = z.infer<typeof callCounts>;

/** What `refused` is wherever it is one number: all that was not let in, for whatever reason. */
export const refusals = [
  'exceeded',
  'blocked',
  'quota',
  'unauthorized',
  'forbidden',
  'invalid',
  'shed',
] as const satisfies readonly (keyof CallCounts)[];

/** Calls that were not let in. */
export function refusedOf(counts: Readonly<Record<(typeof refusals)[number], number>>): number {
  return refusals.reduce((sum, name) => sum + counts[name], 0);
}

/** How long calls took, in microseconds. */
export const latency = z.strictObject({
  count,
  sumMicros: z.number().nonnegative(),
  p50Micros: micros,
  p90Micros: micros,
  p99Micros: micros,
});
export type Latency = z.infer<typeof latency>;

/** Of answered calls: in all, in the gateway, and at the upstream (those that were sent to one). */
export const latencies = z.strictObject({ total: latency, proxy: latency, upstream: latency });
export type Latencies = z.infer<typeof latencies>;
