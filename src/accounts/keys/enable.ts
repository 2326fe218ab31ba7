import { z } from 'zod';
import { keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { setEnabled } from './set-enabled.ts';

/** The key is taken again; one that has expired stays so. */
export const enableKey = verb(z.strictObject({ key: keyRef }), (context, { key }) =>
  setEnabled(context, key, true),
);
