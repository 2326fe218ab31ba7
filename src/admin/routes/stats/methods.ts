import { readQuery } from '../../query.ts';
import type { AdminRoute } from '../../router.ts';
import { isRange, rangeOf, rangeParameters, scopeOf } from '../../stats/read-range.ts';

/** GET /stats/methods: calls by network and method, since the start; with `from`, `to` or `step` usage of that time. */
export const getMethods: AdminRoute = {
  method: 'GET',
  path: '/stats/methods',
  access: 'token',
  handle: async ({ ports, query }) => {
    const given = readQuery(query, ['scope', ...rangeParameters]);
    const body = isRange(given)
      ? await rangeOf(ports, given, ['network', 'method'])
      : await ports.stats.methods(scopeOf(given.scope));
    return { status: 200, body };
  },
};
