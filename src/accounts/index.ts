/** Users, keys, plans, usage and invoices: one verb a file, each `(context, input)`. */
export type { AccountsContext } from './context.ts';
export { AccountsError, type AccountsErrorCode } from './error.ts';
export {
  type OperationInput,
  type OperationName,
  type OperationResult,
  operations,
  runOperation,
} from './operations.ts';
