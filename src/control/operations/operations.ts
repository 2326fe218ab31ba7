import type { OperationInput, OperationName, OperationResult } from '../../accounts/index.ts';

/** What can be asked of users, keys, plans and usage, wherever the store is. */
export interface Operations {
  /** Rejects with AccountsError. */
  run<Name extends OperationName>(name: Name, input: OperationInput<Name>): Promise<OperationResult<Name>>;
  close(): Promise<void>;
}
