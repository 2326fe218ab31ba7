/** Stable codes of what an operation refuses. */
export type AccountsErrorCode =
  /** The input is wrong: `message` says where, what was found and what is expected. */
  | 'invalid'
  /** There is no operation of that name. */
  | 'unknown_operation'
  | 'not_found'
  /** A name fits more than one: `message` lists what tells them apart. */
  | 'ambiguous'
  /** Another has that e-mail or name. */
  | 'conflict'
  /** The state of things forbids it: `message` says what to do first. */
  | 'refused'
  /**
   * The store is away, or its schema is not this program's. Nothing was changed, but where the connection to PostgreSQL broke at the commit:
   * then it is not known, and to be looked at before it is tried again.
   */
  | 'unavailable';

/** Why an operation was not done. `message` is for the one who asked; it holds no stack, and no key, also where one was given by mistake. */
export class AccountsError extends Error {
  readonly code: AccountsErrorCode;

  constructor(code: AccountsErrorCode, message: string, options?: ErrorOptions) {
    super(message.replace(/pp_live_[0-9A-Za-z]+/g, 'pp_live_…'), options);
    this.name = 'AccountsError';
    this.code = code;
  }
}
