import { AccountsError, type AccountsErrorCode } from '../../accounts/index.ts';
import { StoreError, type StoreErrorCode } from '../../store/index.ts';
import type { StoreFailure } from './messages.ts';

/** The error that the store's thread told of. */
export function errorOf({ kind, code, message }: StoreFailure): Error {
  if (kind === 'store') return new StoreError(code as StoreErrorCode, message);
  if (kind === 'accounts') return new AccountsError(code as AccountsErrorCode, message);
  return new Error(message);
}
