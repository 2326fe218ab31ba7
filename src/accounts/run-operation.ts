import { StoreError } from '../store/index.ts';
import type { AccountsContext } from './context.ts';
import { AccountsError } from './error.ts';
import type { operations } from './operations.ts';

export type OperationName = keyof typeof operations;
export type OperationInput<Name extends OperationName> = Parameters<(typeof operations)[Name]>[1];
export type OperationResult<Name extends OperationName> = Awaited<ReturnType<(typeof operations)[Name]>>;

/**
 * Runs the operation of that name; its result is plain data that JSON can hold, with `warnings` beside it where it was done but something is
 * to be seen to. Rejects with AccountsError for all that is foreseen. The
 * verbs are loaded at the first: who only needs an error's class pays nothing for them (0.2 s, 20 MB).
 */
export async function runOperation(context: AccountsContext, name: string, input: unknown): Promise<unknown> {
  const { findOperation } = await import('./operations.ts');
  const run = findOperation(name);
  const warnings: string[] = [];
  const { store } = context;
  const warned: AccountsContext = {
    ...context,
    store: {
      ...store,
      transaction: (work) => store.transaction(work, (message) => void warnings.push(message)),
    },
  };
  try {
    const result = await run(warned, input);
    return warnings.length === 0 ? result : { ...(result as object), warnings };
  } catch (error) {
    throw error instanceof StoreError ? fromStore(error) : error;
  }
}

function fromStore(error: StoreError): AccountsError {
  if (error.code === 'conflict')
    return new AccountsError('conflict', `Another has that already: ${error.message}`, { cause: error });
  if (error.code === 'invalid') return new AccountsError('invalid', error.message, { cause: error });
  return new AccountsError('unavailable', `The store is not available now: ${error.message}`, {
    cause: error,
  });
}
