import { AdminProblem } from '../../problem.ts';
import { readQuery } from '../../query.ts';
import type { AdminRoute } from '../../router.ts';
import { runOperation } from '../../operation-problem.ts';

const filters = [
  ...['type', 'severity', 'subject', 'key', 'user', 'sink', 'state', 'from', 'to'],
  ...['after', 'limit'],
] as const;

/**
 * GET /stats/billing-events: events that are kept, the newest first, with where each went: `{events, next}`, as the operation
 * `events.list` gives it. `?type=quota.*&severity=&subject=&key=&user=&sink=&state=&from=&to=` narrow it down, `?limit=` and
 * `?after=` (the `next` before) page it.
 */
export const getBillingEvents: AdminRoute = {
  method: 'GET',
  path: '/stats/billing-events',
  access: 'token',
  handle: async ({ ports, query }) => {
    const { limit, ...given } = readQuery(query, filters, 'filter');
    if (limit !== undefined && !/^\d{1,6}$/.test(limit))
      throw new AdminProblem('bad_request', 'limit: expected a whole number from 1 to 1000');
    const input = { ...given, ...(limit !== undefined && { limit: Number(limit) }) };
    return { status: 200, body: (await runOperation(ports, 'events.list', input)) as object };
  },
};
