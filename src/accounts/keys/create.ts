import { z } from 'zod';
import { hashKey, keyPrefix, newApiKey } from '../../identity/index.ts';
import type { KeyRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';
import { futureTime, keyName, override, quota, userRef } from '../input/fields.ts';
import { checkOverrides } from '../limits/check-overrides.ts';
import { newId } from '../new-id.ts';
import { findUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { expiryOf } from './expiry.ts';
import { keyView } from './view.ts';

const input = z.strictObject({
  user: userRef,
  name: keyName.optional(),
  expires: futureTime.optional(),
  overrides: z.array(override).max(1000).default([]),
  quota: quota.nullable().default(null),
});

/**
 * Makes a key. `key` of the result is the only place where it is ever shown whole. Without a name it is called `key-` and its
 * prefix; a user's keys have different names.
 */
export const createKey = verb(input, async (context, { user: ref, expires, overrides, ...given }) => {
  const { store, now, random } = context;
  const at = now();
  const expiresAt = expires === undefined ? null : expiryOf(expires, at);
  checkOverrides(overrides, context.groups());
  const key = newApiKey(random);
  const prefix = keyPrefix(key);
  const row: Omit<KeyRow, 'userId'> = {
    id: newId(random),
    source: 'store',
    sha256: Buffer.from(hashKey(key)).toString('hex'),
    prefix,
    name: given.name ?? `key-${prefix}`,
    enabled: true,
    expiresAt,
    previousSha256: null,
    previousUntil: null,
    quota: given.quota,
    overrides,
    createdAt: at,
    lastUsedAt: null,
    deletedAt: null,
  };
  const made = await store.transaction(async (tables) => {
    const user = await findUser(tables, ref);
    const [taken] = await tables.keys.list({ userId: user.id, name: row.name, limit: 1 });
    if (taken !== undefined)
      throw new AccountsError(
        'conflict',
        `${user.email} has a key ${row.name} already (${taken.prefix}): take another name`,
      );
    await tables.keys.insert({ ...row, userId: user.id });
    await tables.announce({ keyId: row.id });
    return { ...row, userId: user.id };
  });
  return { key, ...(await keyView(store, made, at)) };
});
