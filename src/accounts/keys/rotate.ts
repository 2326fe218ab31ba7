import { z } from 'zod';
import { hashKey, keyPrefix, newApiKey } from '../../identity/index.ts';
import { keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { findStoreKey } from './find-key.ts';
import { keyView } from './view.ts';

const hourMs = 3_600_000;
const graces = { none: 0, '1h': hourMs, '24h': 24 * hourMs, '7d': 7 * 24 * hourMs } as const;

const input = z.strictObject({ key: keyRef, grace: z.enum(['none', '1h', '24h', '7d']).default('24h') });

/**
 * A new key in place of the old one: id, name, limits, quota and usage go on. The old one is taken until the grace is over;
 * one before that, whose grace was still running, no longer. `key` of the result is the only place where the new one is shown.
 */
export const rotateKey = verb(input, async ({ store, now, random }, { key: ref, grace }) => {
  const at = now();
  const key = newApiKey(random);
  const graceMs = graces[grace];
  const rotated = await store.transaction(async (tables) => {
    const before = await findStoreKey(tables, ref);
    const change = {
      sha256: Buffer.from(hashKey(key)).toString('hex'),
      prefix: keyPrefix(key),
      previousSha256: graceMs === 0 ? null : before.sha256,
      previousUntil: graceMs === 0 ? null : at + graceMs,
    };
    await tables.keys.update(before.id, change);
    await tables.announce({ keyId: before.id });
    return { ...before, ...change };
  });
  return { key, ...(await keyView(store, rotated, at)) };
});
