import { z } from 'zod';
import { scopes } from './live.ts';

const count = z.number().int().nonnegative();
const time = z.iso.datetime();

export const steps = ['minute', 'hour', 'day'] as const;
export type Step = (typeof steps)[number];

/** What the ledger keeps of usage. */
const sums = {
  calls: count.describe('Answered'),
  refused: count.describe('Refused by a limit or quota'),
  events: count,
  cost: count,
  errors: count.describe('Answered with an error of the node’s own'),
  bytesIn: count,
  bytesOut: count,
  p50Micros: z.number().nonnegative().nullable(),
  p99Micros: z.number().nonnegative().nullable(),
};

/** The same of any of the four with `?from=`, `&to=` or `&step=`: from the ledger. */
export const range = z.strictObject({
  scope: z
    .enum(scopes)
    .describe(
      'cluster: of all instances that share the store; instance: of the one that answers, whose own the store is',
    ),
  from: time.describe('What was summed: whole minutes, or hours and days where only these are kept'),
  to: time,
  step: z.enum(steps).nullable(),
  lines: z
    .array(
      z.strictObject({
        at: time.optional().describe('With `step`: the beginning of the minute, hour or day'),
        method: z.string().optional().describe('Of /stats/methods'),
        network: z.string().optional().describe('Of /stats/methods'),
        key: z
          .strictObject({ id: z.string(), prefix: z.string(), name: z.string() })
          .optional()
          .describe('Of /stats/top'),
        ...sums,
      }),
    )
    .describe('Only what there was usage of'),
  totals: z.strictObject(sums),
});
export type Range = z.infer<typeof range>;
