import { readQuery } from '../../query.ts';
import type { AdminRoute } from '../../router.ts';
import { isRange, rangeOf, rangeParameters, scopeOf } from '../../stats/read-range.ts';

/** GET /stats/summary: everything that is counted, since the start; with `from`, `to` or `step` usage of that time. */
export const getSummary: AdminRoute = {
  method: 'GET',
  path: '/stats/summary',
  access: 'token',
  handle: async ({ ports, query }) => {
    const given = readQuery(query, ['scope', ...rangeParameters]);
    const body = isRange(given)
      ? await rangeOf(ports, given, [])
      : await ports.stats.summary(scopeOf(given.scope));
    return { status: 200, body };
  },
};
