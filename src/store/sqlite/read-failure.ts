import type { StoreErrorCode } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { fromSqlite } from './errors.ts';

/** An error on its way out of the reader's thread, which would lose its class. */
export function readFailure(error: unknown): { code: StoreErrorCode; message: string } {
  const known = fromSqlite(error);
  if (known instanceof StoreError) return { code: known.code, message: known.message };
  return { code: 'unavailable', message: `usage cannot be read: ${String(error)}` };
}
