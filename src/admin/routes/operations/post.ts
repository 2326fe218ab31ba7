import { runOperation } from '../../operation-problem.ts';
import type { AdminRoute } from '../../router.ts';

/**
 * POST /operations/<name>: does what `polymorph users`, `keys`, `plans`, `usage`, `events`, `invoice`, `reconcile`, `backup` and `blocklist` ask for;
 * the body is the operation's input, the answer its result. `reason` of a problem is the operation's own code.
 */
export const postOperation: AdminRoute = {
  method: 'POST',
  path: '/operations/:name',
  access: 'token',
  handle: async ({ ports, params, body, peer }) => ({
    status: 200,
    body: (await runOperation(ports, params['name'] ?? '', body, peer)) as object,
  }),
};
