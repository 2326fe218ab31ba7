import { readQuery } from '../../query.ts';
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
  handle: ({ ports, query }) => ({
    status: 200,
    body: ports.sockets(readQuery(query, filters, 'filter')),
  }),
};
