import type { AccountsError } from '../../accounts/index.ts';
import { StoreError } from '../../store/index.ts';
import type { StoreFailure } from './messages.ts';

/** An error as a message: structured clone keeps no class and no code. */
export function failureOf(error: unknown): StoreFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreError) return { kind: 'store', code: error.code, message };
  if (isAccountsError(error)) return { kind: 'accounts', code: error.code, message };
  return { kind: 'other', code: '', message: error instanceof Error ? (error.stack ?? message) : message };
}

/** By its name: the room of accounts is loaded in the store's thread only once an operation is asked for. */
function isAccountsError(error: unknown): error is AccountsError {
  return error instanceof Error && error.name === 'AccountsError';
}
