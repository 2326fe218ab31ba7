import { type BoundAddress, bindError } from './bind.ts';

/**
 * Why the gateway did not start. `message` is for the operator, whole and without a stack; `exitCode` is 2 where the
 * command line or the config is wrong, 1 where the machine is.
 */
export class StartError extends Error {
  readonly code:
    | 'config_invalid'
    | 'cannot_listen'
    | 'worker_failed'
    | 'store_unusable'
    | 'upstream_is_ourselves';
  readonly exitCode: 1 | 2;

  constructor(code: StartError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
    this.exitCode = code === 'config_invalid' || code === 'upstream_is_ourselves' ? 2 : 1;
  }
}

/** Says why an address is not ours. */
export function cannotListen(error: unknown): never {
  throw new StartError('cannot_listen', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** Of the store’s own error. */
export function storeUnusable(error: unknown): never {
  throw new StartError('store_unusable', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** A worker that cannot listen says so; else it could not be started. */
export function workerFailed(error: unknown, { host, port }: BoundAddress): never {
  const { syscall } = error as NodeJS.ErrnoException;
  if (syscall === 'listen' || syscall === 'bind') cannotListen(bindError(host, port, error));
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  throw new StartError('worker_failed', `a worker could not be started: ${reason}`, { cause: error });
}
