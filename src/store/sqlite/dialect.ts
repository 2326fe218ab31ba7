import { sql } from 'kysely';
import type { AgingTable, Dialect } from '../schema.ts';

/** Rollups and sums have no rowid. */
const identities: Partial<Record<AgingTable, string>> = {
  usage_logs: 'rowid',
  quota_sums: 'period, at, api_key_id',
};

/** SQLite: times are integers, truth is 0 or 1, the histogram has columns of its own. */
export const sqliteDialect: Dialect = {
  kind: 'sqlite',
  time: <T extends number | null>(ms: T): T => ms,
  // SQLite's driver takes no boolean; the column's type stays what it means.
  flag: (value) => Number(value) as unknown as boolean,
  latency: (bucket) => sql.ref(`latency_${bucket}`),
  isAmong(table, rest) {
    const name = sql.raw(identities[table] ?? 'at, api_key_id, network, method, status, kind');
    return sql`(${name}) in (select ${name} from ${sql.table(table)} ${rest})`;
  },
  floorAt: (unitMs) => sql`at - at % ${sql.lit(unitMs)}`,
};
