import { AccountsError, type AccountsErrorCode } from '../../../accounts/index.ts';
import type { AdminPorts } from '../../ports.ts';
import { AdminProblem, type AdminProblemCode } from '../../problem.ts';

const problemOf: Record<AccountsErrorCode, AdminProblemCode> = {
  invalid: 'bad_request',
  unknown_operation: 'not_found',
  not_found: 'not_found',
  ambiguous: 'conflict',
  conflict: 'conflict',
  refused: 'conflict',
  unavailable: 'unavailable',
};

/** The operation's result. Rejects with AdminProblem, whose `reason` is the operation's own code. */
export async function runOperationFor(ports: AdminPorts, name: string, input: unknown): Promise<object> {
  if (ports.operations === null)
    throw new AdminProblem(
      'conflict',
      'this gateway keeps no store (store: none), so it has no users, keys, usage or events',
    );
  try {
    return (await ports.operations.run(name, input)) as object;
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    const { code, message } = error;
    const headers: Record<string, string> = code === 'unavailable' ? { 'retry-after': '5' } : {};
    throw new AdminProblem(problemOf[code], message, headers, { reason: code, cause: error });
  }
}
