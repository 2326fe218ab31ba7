import { AccountsError, type AccountsErrorCode } from '../../accounts/index.ts';
import { StoreError, type StoreErrorCode } from '../../store/index.ts';
import type { StoreFailure } from './messages.ts';

/** An error as a message: structured clone keeps no class and no code. */
export function failureOf(error: unknown): StoreFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreError) return { kind: 'store', code: error.code, message };
  if (error instanceof AccountsError) return { kind: 'accounts', code: error.code, message };
  return { kind: 'other', code: '', message: error instanceof Error ? (error.stack ?? message) : message };
}

export function errorOf({ kind, code, message }: StoreFailure): Error {
  if (kind === 'store') return new StoreError(code as StoreErrorCode, message);
  if (kind === 'accounts') return new AccountsError(code as AccountsErrorCode, message);
  return new Error(message);
}
