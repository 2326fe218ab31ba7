/** Users, keys, plans, usage and invoices in a database. */
export type {
  InvoiceRow,
  KeyChange,
  KeyRow,
  OverrideRow,
  PlanRow,
  PolicyKey,
  QuotaRow,
  Store,
  StoreErrorCode,
  StoreKind,
  Tables,
  UsageFilter,
  UsageLine,
  UserRow,
} from './store.ts';
