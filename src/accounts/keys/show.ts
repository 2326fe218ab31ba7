import { z } from 'zod';
import { keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { findKey } from './find-key.ts';
import { keyView } from './view.ts';

/** One key, of the store or the config. */
export const showKey = verb(z.strictObject({ key: keyRef }), async ({ store, now }, input) =>
  keyView(store, await findKey(store, input.key), now()),
);
