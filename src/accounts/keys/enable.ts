import { z } from 'zod';
import { futureTime, keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { expiryOf } from './expiry.ts';
import { setEnabled } from './set-enabled.ts';

const input = z.strictObject({ key: keyRef, expires: futureTime.optional() });

/** The key is taken again, until `expires` where that is given; without it one that has expired stays so. */
export const enableKey = verb(input, (context, { key, expires }) => {
  const expiresAt = expires === undefined ? undefined : expiryOf(expires, context.now());
  return setEnabled(context, key, { enabled: true, ...(expiresAt === undefined ? {} : { expiresAt }) });
});
