import { AccountsError, type AccountsErrorCode } from '../accounts/index.ts';
import type { AdminPorts } from './ports.ts';
import { AdminProblem, type AdminProblemCode } from './problem.ts';

const problemOf: Record<AccountsErrorCode, AdminProblemCode> = {
  invalid: 'bad_request',
  unknown_operation: 'not_found',
  not_found: 'not_found',
  ambiguous: 'conflict',
  conflict: 'conflict',
  refused: 'conflict',
  unavailable: 'unavailable',
};

/** Runs an operation of the store. Throws AdminProblem for all that is foreseen; its `reason` is the operation's own code. */
export async function runOperation(
  { operations }: Pick<AdminPorts, 'operations'>,
  name: string,
  input: unknown,
): Promise<unknown> {
  if (operations === null)
    throw new AdminProblem(
      'conflict',
      'this gateway keeps no store (store: none), so it has no users, keys, usage or events',
    );
  try {
    return await operations.run(name, input);
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    const { code, message } = error;
    const headers: Record<string, string> = code === 'unavailable' ? { 'retry-after': '5' } : {};
    throw new AdminProblem(problemOf[code], message, headers, { reason: code, cause: error });
  }
}
