import { z } from 'zod';
import { methodPatternExpected, methodPatternForm } from '../../config/index.ts';
import { isCurrency } from '../money/currency.ts';
import { isTimeText } from './time.ts';

/** Fields that inputs share. Their messages say what is expected; `parseInput` puts before it what was found. */
const expected = (what: string) => ({ error: `expected ${what}` });

/** A user by id or e-mail. */
export const userRef = z.string(expected('the e-mail or id of a user')).trim().min(1).max(254);

/** A key by id, prefix or name. */
export const keyRef = z.string(expected('the name, prefix or id of a key')).trim().min(1).max(128);

const emailExpected = 'an e-mail address such as ada@example.com';
export const email = z
  .string(expected(emailExpected))
  .trim()
  .max(254)
  .regex(
    /^[^\p{Cc}\p{Cf}\p{Cs}\s@<>",;:()[\]\\]+@[^\p{Cc}\p{Cf}\p{Cs}\s@<>",;:()[\]\\]+\.[^\p{Cc}\p{Cf}\p{Cs}\s@.<>",;:()[\]\\]+$/u,
    expected(emailExpected),
  );

const nameExpected = 'a name of 1 to 128 characters on one line';
export const personName = z
  .string(expected(nameExpected))
  .trim()
  .min(1, expected(nameExpected))
  .max(128, expected(nameExpected))
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, expected(nameExpected));

const keyNameExpected = 'a name: letters, digits, . _ @ -, at most 128, beginning with a letter or digit';
/** As keys of the config are named. */
export const keyName = z
  .string(expected(keyNameExpected))
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, expected(keyNameExpected));

const planNameExpected = 'a name: small letters, digits and -, at most 32, beginning with a letter';
export const planName = z
  .string(expected(planNameExpected))
  .regex(/^[a-z][a-z0-9-]{0,31}$/, expected(planNameExpected));

const currencyExpected = 'a currency of ISO 4217 in capitals, such as USD';
export const currency = z.string(expected(currencyExpected)).refine(isCurrency, expected(currencyExpected));

const time = (what: string) => z.string(expected(what)).refine(isTimeText, expected(what));
/** A moment, or how long ago. */
export const pastTime = time(
  'a date (2026-11-01), a time (2026-11-01T12:00:00Z) or how long ago (24h, 7d), UTC',
);
const futureExpected =
  'a date (2027-01-31), a time (2027-01-31T12:00:00Z), in how long (24h, 90d), UTC, or never';
/** A moment, in how long, or `never`. */
export const futureTime = z.union([z.literal('never'), time(futureExpected)], expected(futureExpected));

const monthExpected = 'a month such as 2026-11';
export const month = z
  .string(expected(monthExpected))
  .regex(/^(?:19|20|21)\d{2}-(?:0[1-9]|1[0-2])$/, expected(monthExpected));

/** A whole number that JSON may hold as number or, exact at any size, as digits. */
export function wholeNumber(min: bigint, max: bigint, what: string) {
  const message = expected(`${what}: a whole number from ${min} to ${max}`);
  return z
    .union([z.int(), z.string().regex(/^\d{1,18}$/)], message)
    .transform((value) => BigInt(value))
    .refine((value) => value >= min && value <= max, message);
}

const tokensMax = 100_000_000;
const methodExpected = `${methodPatternExpected}, group:<name>, or *`;
export const limitMethod = z
  .string(expected(methodExpected))
  .regex(methodPatternForm, expected(methodExpected))
  .max(256);

/** A limit of a key or plan, bounds as in the config. */
export const override = z.strictObject({
  method: limitMethod,
  requests: z.int().min(1).max(tokensMax),
  periodMs: z.int().min(1).max(86_400_000),
  burstSize: z.int().min(0).max(tokensMax).default(0),
});

export const quota = z.strictObject({
  unit: z.enum(['requests', 'cost']),
  limit: z.int().min(1).max(1_000_000_000_000_000),
  period: z.enum(['day', 'month']),
  warnAt: z
    .array(z.int().min(1).max(100))
    .max(10)
    .default([80])
    .transform((list) => [...new Set(list)].sort((a, b) => a - b)),
});

/** How many rows a list gives, and after which one it goes on. */
export const page = {
  after: z.string().max(300).optional(),
  limit: z.int().min(1).max(10_000).default(1000),
};
