import { z } from 'zod';
import { keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { setEnabled } from './set-enabled.ts';

/** From now on the key is refused (401), its last rotation's too, until it is enabled again. */
export const disableKey = verb(z.strictObject({ key: keyRef }), (context, { key }) =>
  setEnabled(context, key, { enabled: false }),
);
