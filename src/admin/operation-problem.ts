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

/** Runs an operation. Throws AdminProblem for all that is foreseen; its `reason` is the operation's own code. */
export async function runOperation(
  { operations }: Pick<AdminPorts, 'operations'>,
  name: string,
  input: unknown,
  peer?: string,
): Promise<unknown> {
  try {
    return await operations.run(name, input, peer);
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    const { code, message } = error;
    const headers: Record<string, string> = code === 'unavailable' ? { 'retry-after': '5' } : {};
    throw new AdminProblem(problemOf[code], message, headers, { reason: code, cause: error });
  }
}
