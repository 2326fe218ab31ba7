import { type RawBuilder, sql } from 'kysely';
import type { KeyUse, QuotaUseFilter } from '../usage-sums.ts';
import type { Tables } from '../store.ts';
import type { TableContext } from './context.ts';
import { isUuid } from '../uuid.ts';

/** Queries of `quota_sums`. */
export function createQuotaUse({ db, dialect }: TableContext): Tables['quotaUse'] {
  return async (starts, filter = {}) => {
    const condition = conditionOf(filter);
    if (condition === undefined) return new Map();
    // A part for each, so that both are found by the primary key, and one statement, so that both are of one moment.
    const sums = (['day', 'month'] as const).map(
      (period) => sql`
        select period, api_key_id, requests, cost from quota_sums
        where period = ${sql.lit(period)} and at = ${dialect.time(starts[period])} ${condition}`,
    );
    const both = sql.join(sums, sql` union all `);
    const { rows } = await (filter.users === true
      ? sql<Row>`select sums.*, k.user_id from (${both}) as sums left join api_keys as k on k.id = sums.api_key_id`
      : sql<Row>`${both}`
    ).execute(db);
    const uses = new Map<string, KeyUse>();
    for (const { period, api_key_id: id, requests, cost, user_id: userId = null } of rows) {
      const use = { requests: Number(requests), cost: Number(cost) };
      uses.set(id, { ...(uses.get(id) ?? { day: none, month: none }), userId, [period]: use });
    }
    return uses;
  };
}

const none = Object.freeze({ requests: 0, cost: 0 });

interface Row {
  period: 'day' | 'month';
  api_key_id: string;
  requests: unknown;
  cost: unknown;
  user_id?: string | null;
}

/** undefined: nothing can match. */
function conditionOf({ keyIds, userIds }: QuotaUseFilter): RawBuilder<unknown> | undefined {
  const ids = (keyIds ?? userIds)?.filter(isUuid).map((id) => id.toLowerCase());
  if (ids === undefined) return sql``;
  if (ids.length === 0) return undefined;
  const list = sql.join(ids);
  return keyIds === undefined
    ? sql`and api_key_id in (select id from api_keys where user_id in (${list}))`
    : sql`and api_key_id in (${list})`;
}
