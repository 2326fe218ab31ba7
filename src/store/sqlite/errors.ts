import { StoreError } from '../store-error.ts';

/** An error of SQLite or of the file system as the store's own; a StoreError and what is no driver's error stay as they are. */
export function fromSqlite(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  if (/^SQLITE_CONSTRAINT_(?:UNIQUE|PRIMARYKEY)/.test(code))
    return new StoreError('conflict', 'another row has that e-mail, name, number or hash', { cause: error });
  if (/^SQLITE_(?:CONSTRAINT|MISMATCH|RANGE|TOOBIG)/.test(code))
    return new StoreError('invalid', `the store does not take these values: ${error.message}`, {
      cause: error,
    });
  if (/no such (?:table|column)/.test(error.message))
    return new StoreError('schema', 'the database is not migrated: run polymorph migrate', { cause: error });
  return new StoreError('unavailable', `the database cannot be used: ${describe(code, error.message)}`, {
    cause: error,
  });
}

function describe(code: string, message: string): string {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
    return 'another program holds its lock';
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return 'the disk is full';
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') return 'it is read-only';
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT'))
    return `the file is damaged (${message})`;
  return message;
}
