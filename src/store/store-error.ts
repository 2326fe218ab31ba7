import type { StoreAdmin, StoreErrorCode, StoreRole } from './store.ts';

/** Who holds the folder of an embedded store. */
export interface StoreOwner {
  pid: number;
  /** Epoch milliseconds. */
  started: number;
  /** A command holds it for a moment, a gateway for its life. */
  role: StoreRole;
  /** null while it has no admin listener. */
  admin: StoreAdmin | null;
}

/**
 * Why the store did not do what was asked. `message` is for the operator and holds no secret; `cause` is the driver's
 * error where there was one; `owner` is who holds the folder where `code` is `locked` and it is known.
 */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** Private, so that nothing that shows an error's fields shows its token. */
  readonly #owner: StoreOwner | undefined;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions & { owner?: StoreOwner }) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
    this.#owner = options?.owner;
  }

  get owner(): StoreOwner | undefined {
    return this.#owner;
  }
}
