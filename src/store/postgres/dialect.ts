import { sql } from 'kysely';
import type { Dialect } from '../schema.ts';

/** PostgreSQL: times are timestamptz, which {@link Types} reads back as numbers; the histogram is an array. */
export const postgresDialect: Dialect = {
  kind: 'postgres',
  // The parameter is text with its zone; the column's type stays what it is read as.
  time: <T extends number | null>(ms: T): T =>
    ms === null ? ms : (new Date(ms).toISOString() as unknown as T),
  flag: (value) => value,
  latency: (bucket) => sql`latency[${sql.lit(bucket + 1)}]`,
  // As an array: a join with the rows' places may read the whole table.
  isAmong: (table, rest) => sql`ctid = any(array(select ctid from ${sql.table(table)} ${rest}))`,
  floorAt: (unitMs) =>
    sql`date_bin(${sql.lit(`${unitMs} milliseconds`)}::interval, at, timestamptz '1970-01-01 00:00:00+00')`,
};
