import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { periodStart, type Tables, type UsageLine } from '../../store/index.ts';
import { noKey } from '../../usage/index.ts';
import { AccountsError } from '../error.ts';
import { keyRef, pastTime, userRef } from '../input/fields.ts';
import { isoTime, pastTimeOf } from '../input/time.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { findUsageKey } from './find-usage-key.ts';
import { keptRange } from './kept.ts';
import { createSums, type UsageSums } from './sums.ts';

const groupings = ['method', 'day', 'hour', 'minute', 'key', 'network', 'status'] as const;

/** More would be no answer that anybody reads, and a great one to send. */
const LINES_MAX = 20_000;

const LINES_AT_ONCE = 1000;

const input = z.strictObject({
  key: keyRef.optional(),
  user: userRef.optional(),
  /** Default: the beginning of this month. */
  from: pastTime.optional(),
  /** Default: now. */
  to: pastTime.optional(),
  by: z
    .array(z.enum(groupings))
    .default(['method'])
    .refine((by) => by.filter((one) => ['day', 'hour', 'minute'].includes(one)).length <= 1, {
      error: 'expected only one of day, hour and minute',
    }),
});

/** Fields that usage is not grouped by are left out. */
export interface UsageLineView extends UsageSums {
  /** Beginning of the day, hour or minute, UTC. */
  at?: string;
  /** Calls without a key have an id of zeros, and no prefix. */
  key?: { id: string; prefix: string; name: string };
  network?: string;
  method?: string;
  status?: string;
}

/**
 * Usage in [from, to), UTC. Times are taken to the whole minute, which is what usage is kept by, and to the whole hour or day where only
 * those are kept by now: `from` and `to` of the result say what was summed.
 */
export const queryUsage = verb(input, async ({ store, now, retention }, { key, user, by, ...times }) => {
  const at = now();
  const asked = {
    from: wholeMinute(times.from === undefined ? periodStart('month', at) : pastTimeOf(times.from, at)),
    to: wholeMinute((times.to === undefined ? at : pastTimeOf(times.to, at)) + 59_999),
  };
  if (asked.from >= asked.to)
    throw new AccountsError('invalid', `from ${isoTime(asked.from)} is not before to ${isoTime(asked.to)}`);
  const unit = (['minute', 'hour'] as const).find((unit) => by.includes(unit)) ?? 'day';
  const { from, to } = keptRange(asked, { retention: retention(), now: at, unit, bound: 'widen' });
  const keyIds = key === undefined ? undefined : [await findUsageKey(store, key)];
  const userId = user === undefined ? undefined : (await findAnyUser(store, user)).id;
  const lines = await store.usage({ keyIds, userId, from, to }, by, LINES_MAX + 1);
  if (lines.length > LINES_MAX)
    throw new AccountsError(
      'refused',
      `That makes more than ${LINES_MAX} lines: shorten the time, or group by less`,
    );
  const names = await keyNames(store, lines);
  const totals = createSums();
  const views: UsageLineView[] = [];
  for (const line of lines) {
    totals.add(line);
    // The store's thread has other things to do.
    if (views.push(lineView(line, names)) % LINES_AT_ONCE === 0) await turn();
  }
  return {
    from: isoTime(from),
    to: isoTime(to),
    by,
    lines: views,
    totals: totals.sums(),
  };
});

function wholeMinute(at: number): number {
  return at - (at % 60_000);
}

function lineView(line: UsageLine, names: ReadonlyMap<string, UsageLineView['key']>): UsageLineView {
  const sums = createSums();
  sums.add(line);
  const { at, keyId, network, method, status } = line;
  return {
    ...(at === null ? {} : { at: isoTime(at) }),
    ...(keyId === null ? {} : { key: names.get(keyId) ?? { id: keyId, prefix: '', name: '' } }),
    ...(network === null ? {} : { network }),
    ...(method === null ? {} : { method }),
    ...(status === null ? {} : { status }),
    ...sums.sums(),
  };
}

async function keyNames(tables: Tables, lines: readonly UsageLine[]) {
  const ids = new Set(lines.flatMap(({ keyId }) => (keyId === null ? [] : [keyId])));
  const found = await tables.keys.names([...ids]);
  const names = new Map<string, UsageLineView['key']>();
  for (const id of ids) names.set(id, { id, prefix: '', name: 'unknown', ...found.get(id) });
  names.set(noKey, { id: noKey, prefix: '', name: 'without a key' });
  return names;
}
