import { AdminProblem } from '../../problem.ts';
import type { AdminRoute } from '../../router.ts';

/** GET /explain/<requestId>: the decision records kept for one request; 404 when no worker has any. */
export const getExplain: AdminRoute = {
  method: 'GET',
  path: '/explain/:requestId',
  access: 'token',
  handle: async ({ ports, params }) => {
    const requestId = params['requestId'] ?? '';
    if (!/^[\x21-\x7e]{1,128}$/.test(requestId))
      throw new AdminProblem('bad_request', 'that is no request id');
    const reply = await ports.explain.byRequestId(requestId);
    if (reply.records.length === 0) {
      const { asked, answered } = reply.workers;
      const missing =
        answered < asked ? ` (${asked - answered} of ${asked} workers did not answer in time)` : '';
      throw new AdminProblem(
        'not_found',
        `no record of this request${missing}: refusals are kept for a while, of the rest a sample`,
      );
    }
    return { status: 200, body: reply };
  },
};
