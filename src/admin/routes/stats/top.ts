import { AdminProblem } from '../../problem.ts';
import { oneOf, readQuery } from '../../query.ts';
import type { AdminRoute } from '../../router.ts';
import { type Range, type TopOrder, topOrders } from '../../stats/index.ts';
import { isRange, rangeOf, rangeParameters, scopeOf } from '../../stats/read-range.ts';

const LIMIT = 20;
const LIMIT_MAX = 1000;

/**
 * GET /stats/top: who calls most, since the start: keys and addresses; with `from`, `to` or `step` keys by their usage of that
 * time. `by` is calls (the default), cost, refused or bytes; `limit` how many, 20 by default.
 */
export const getTop: AdminRoute = {
  method: 'GET',
  path: '/stats/top',
  access: 'token',
  handle: async ({ ports, query }) => {
    const {
      by: order = 'calls',
      limit: count,
      ...times
    } = readQuery(query, ['by', 'limit', 'scope', ...rangeParameters]);
    const by = oneOf('by', order, topOrders);
    const limit = count === undefined ? LIMIT : limitOf(count);
    if (!isRange(times)) return { status: 200, body: await ports.stats.top(by, limit, scopeOf(times.scope)) };
    const range = await rangeOf(ports, times, ['key']);
    const lines = range.lines.toSorted((a, b) => valueOf(b, by) - valueOf(a, by)).slice(0, limit);
    return { status: 200, body: { ...range, lines } };
  },
};

function limitOf(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX)
    throw new AdminProblem('bad_request', `limit: expected a whole number from 1 to ${LIMIT_MAX}`);
  return limit;
}

function valueOf(line: Range['lines'][number], by: TopOrder): number {
  if (by === 'bytes') return line.bytesIn + line.bytesOut;
  return by === 'calls' ? line.calls + line.refused : line[by];
}
