import { AdminProblem } from '../../problem.ts';
import { readQuery } from '../../query.ts';
import type { AdminRoute } from '../../router.ts';
import { isRange, rangeOf, rangeParameters, scopeOf } from '../../stats/read-range.ts';

/**
 * GET /stats/identity/<id>: one caller, by id, name or prefix of a key, or by address, since the start; with `from`, `to` or `step`
 * the usage of a key in that time.
 */
export const getIdentity: AdminRoute = {
  method: 'GET',
  path: '/stats/identity/:id',
  access: 'token',
  handle: async ({ ports, params, query }) => {
    const id = params['id'] ?? '';
    const given = readQuery(query, ['scope', ...rangeParameters]);
    const found = await ports.stats.identity(id, scopeOf(given.scope));
    if (isRange(given)) {
      if ('kind' in found && found.kind === 'address')
        throw new AdminProblem(
          'bad_request',
          'the ledger keeps usage by key, not by address: leave from, to and step out',
        );
      // A deleted key is known to the store alone.
      return { status: 200, body: await rangeOf(ports, given, [], 'kind' in found ? found.id : id) };
    }
    if ('kind' in found) return { status: 200, body: found };
    throw new AdminProblem(found.several ? 'conflict' : 'not_found', found.why);
  },
};
