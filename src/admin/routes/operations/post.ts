import { AccountsError, type AccountsErrorCode } from '../../../accounts/index.ts';
import { AdminProblem, type AdminProblemCode } from '../../problem.ts';
import type { AdminRoute } from '../../router.ts';

const problemOf: Record<AccountsErrorCode, AdminProblemCode> = {
  invalid: 'bad_request',
  unknown_operation: 'not_found',
  not_found: 'not_found',
  ambiguous: 'conflict',
  conflict: 'conflict',
  refused: 'conflict',
  unavailable: 'unavailable',
};

/**
 * POST /operations/<name>: does what `polymorph users`, `keys`, `plans`, `usage`, `invoice`, `reconcile`, `backup` and `blocklist` ask for; the body
 * is the operation's input, the answer its result. `reason` of a problem is the operation's own code.
 */
export const postOperation: AdminRoute = {
  method: 'POST',
  path: '/operations/:name',
  access: 'token',
  handle: async ({ ports, params, body, peer }) => {
    try {
      return { status: 200, body: (await ports.operations.run(params['name'] ?? '', body, peer)) as object };
    } catch (error) {
      if (!(error instanceof AccountsError)) throw error;
      const { code, message } = error;
      const headers: Record<string, string> = code === 'unavailable' ? { 'retry-after': '5' } : {};
      throw new AdminProblem(problemOf[code], message, headers, { reason: code, cause: error });
    }
  },
};
