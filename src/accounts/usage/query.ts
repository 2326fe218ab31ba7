import { z } from 'zod';
import type { Tables, UsageLine } from '../../store/index.ts';
import { noKey } from '../../usage/index.ts';
import { AccountsError } from '../error.ts';
import { keyRef, pastTime, userRef } from '../input/fields.ts';
import { isoTime, pastTimeOf } from '../input/time.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { findUsageKey } from './find-usage-key.ts';
import { createSums, type SumsBuilder, type UsageSums } from './sums.ts';

const groupings = ['method', 'day', 'hour', 'minute', 'key', 'network', 'status'] as const;
type Grouping = (typeof groupings)[number];

/** More would be no answer that anybody reads, and a great one to send. */
const LINES_MAX = 20_000;

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

/** Usage in [from, to), UTC. Times are taken to the whole minute, which is what usage is kept by. */
export const queryUsage = verb(input, async ({ store, now }, { key, user, by, ...times }) => {
  const at = now();
  const from = wholeMinute(times.from === undefined ? monthBegin(at) : pastTimeOf(times.from, at));
  const to = wholeMinute((times.to === undefined ? at : pastTimeOf(times.to, at)) + 59_999);
  if (from >= to) throw new AccountsError('invalid', `from ${isoTime(from)} is not before to ${isoTime(to)}`);
  const keyIds = key === undefined ? undefined : [await findUsageKey(store, key)];
  const userId = user === undefined ? undefined : (await findAnyUser(store, user)).id;
  const lines = await store.usage({ keyIds, userId, from, to }, [...new Set([...by, 'status' as const])]);
  const totals = createSums();
  for (const line of lines) totals.add(line);
  const grouped = by.includes('status') ? lines.map((line) => [line]) : byAllButStatus(lines);
  if (grouped.length > LINES_MAX)
    throw new AccountsError(
      'refused',
      `That makes ${grouped.length} lines, at most ${LINES_MAX} are given: shorten the time, or group by less`,
    );
  const names = await keyNames(store, by.includes('key') ? lines : []);
  return {
    from: isoTime(from),
    to: isoTime(to),
    by,
    lines: grouped.map((pieces) => lineView(pieces, by, names)),
    totals: totals.sums(),
  };
});

function wholeMinute(at: number): number {
  return at - (at % 60_000);
}

function monthBegin(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** The store gives lines sorted, by status last: those that differ in nothing else stand together. */
function byAllButStatus(lines: readonly UsageLine[]): UsageLine[][] {
  const groups: UsageLine[][] = [];
  for (const line of lines) {
    const last = groups.at(-1);
    const known = last?.[0];
    if (last !== undefined && known !== undefined && isAlike(known, line)) last.push(line);
    else groups.push([line]);
  }
  return groups;
}

function isAlike(a: UsageLine, b: UsageLine): boolean {
  return a.at === b.at && a.keyId === b.keyId && a.network === b.network && a.method === b.method;
}

function lineView(
  pieces: readonly UsageLine[],
  by: readonly Grouping[],
  names: ReadonlyMap<string, UsageLineView['key']>,
): UsageLineView {
  const sums: SumsBuilder = createSums();
  for (const piece of pieces) sums.add(piece);
  const [{ at, keyId, network, method, status } = pieces[0] as UsageLine] = pieces;
  return {
    ...(at === null ? {} : { at: isoTime(at) }),
    ...(keyId === null ? {} : { key: names.get(keyId) ?? { id: keyId, prefix: '', name: '' } }),
    ...(network === null ? {} : { network }),
    ...(method === null ? {} : { method }),
    ...(by.includes('status') && status !== null ? { status } : {}),
    ...sums.sums(),
  };
}

async function keyNames(tables: Tables, lines: readonly UsageLine[]) {
  const names = new Map([[noKey, { id: noKey, prefix: '', name: 'without a key' }]]);
  for (const { keyId } of lines) {
    if (keyId === null || names.has(keyId)) continue;
    const key = await tables.keys.get(keyId);
    names.set(keyId, { id: keyId, prefix: key?.prefix ?? '', name: key?.name ?? 'unknown' });
  }
  return names;
}
