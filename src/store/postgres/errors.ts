import { StoreError } from '../store-error.ts';

/** An error of the driver's as the store's own; a StoreError stays as it is. No message holds the address or the password. */
export function fromPostgres(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const state = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (state === '23505')
    return new StoreError('conflict', 'another row has that e-mail, name, number or hash', { cause: error });
  if (/^2[23]/.test(state))
    return new StoreError('invalid', `the store does not take these values: ${message}`, { cause: error });
  if (state === '42P01' || state === '42703')
    return new StoreError('schema', 'the database is not migrated: run polymorph migrate', { cause: error });
  return new StoreError('unavailable', `the database cannot be used: ${describe(state, message, error)}`, {
    cause: error,
  });
}

/** Whether the connection is of no use after this error: it is gone, stuck, or leads to a server that takes no writes. */
export function endsConnection(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '' || /^(?:08|57P|25006|25P03)/.test(state);
}

/** Whether the same transaction may well succeed when it is run anew: it was one of several that were in each other's way. */
export function isWorthRetrying(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  return ['40001', '40P01'].includes(sqlStateOf(cause));
}

/** The server's code of five characters; '' where the error is not the server's. */
export function sqlStateOf(error: unknown): string {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return '';
  return String(error.code);
}

function describe(state: string, message: string, error: unknown): string {
  if (state === '25006') return 'it is read-only';
  if (state.startsWith('57P')) return 'it is shutting down or starting';
  if (state === '57014' || message === 'Query read timeout') return 'it did not answer in time';
  if (state === '55P03') return 'another holds a lock for too long';
  if (state === '53100') return 'its disk is full';
  if (state.startsWith('28')) return 'it does not let us in: wrong name, password or permission';
  if (state !== '') return `${message} (${state})`;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return `it cannot be reached (${code === '' ? message : code})`;
}
