import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import type { OverrideRow } from '../rows.ts';
import { pieces } from './context.ts';

/** Of each of the keys that has any, by method. */
export async function overridesOf(
  db: Kysely<Schema>,
  keyIds: readonly string[],
): Promise<Map<string, OverrideRow[]>> {
  const found = new Map<string, OverrideRow[]>();
  for (const ids of pieces(keyIds, 1000)) {
    const rows = await overrides(db).where('api_key_id', 'in', ids).execute();
    collect(rows, found);
  }
  return found;
}

/** Of all keys whose id is from `first` to `last`. */
export async function overridesBetween(
  db: Kysely<Schema>,
  first: string,
  last: string,
): Promise<Map<string, OverrideRow[]>> {
  const rows = await overrides(db).where('api_key_id', '>=', first).where('api_key_id', '<=', last).execute();
  return collect(rows, new Map());
}

function overrides(db: Kysely<Schema>) {
  return db.selectFrom('rate_limit_overrides').selectAll().orderBy('api_key_id').orderBy('method');
}

function collect(
  rows: readonly Schema['rate_limit_overrides'][],
  found: Map<string, OverrideRow[]>,
): Map<string, OverrideRow[]> {
  for (const { api_key_id, method, requests, period, burst_size } of rows) {
    const override = { method, requests, periodMs: period, burstSize: burst_size };
    const before = found.get(api_key_id);
    if (before === undefined) found.set(api_key_id, [override]);
    else before.push(override);
  }
  return found;
}

/** Adds them to a key's. */
export async function insertOverrides(
  db: Kysely<Schema>,
  keyId: string,
  overrides: readonly OverrideRow[],
): Promise<void> {
  for (const some of pieces(overrides, 1000)) {
    const rows = some.map(({ method, requests, periodMs, burstSize }) => ({
      api_key_id: keyId,
      method,
      requests,
      period: periodMs,
      burst_size: burstSize,
    }));
    await db.insertInto('rate_limit_overrides').values(rows).execute();
  }
}
