import { AdminProblem } from '../../problem.ts';
import type { AdminRoute } from '../../router.ts';

const filters = ['keyName', 'address', 'network'] as const;

/**
 * GET /sockets: open WebSockets with their subscriptions, and the feeds behind these. `?keyName=`, `?address=` and
 * `?network=` narrow it down.
 */
export const getSockets: AdminRoute = {
  method: 'GET',
  path: '/sockets',
  access: 'token',
  handle: ({ ports, query }) => {
    const unknown = [...query.keys()].find((name) => !(filters as readonly string[]).includes(name));
    if (unknown !== undefined)
      throw new AdminProblem('bad_request', `there is no filter ${unknown}: use ${filters.join(', ')}`);
    const given = filters.flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { status: 200, body: ports.sockets(Object.fromEntries(given)) };
  },
};
