/** Users, keys, plans, usage and invoices in a database. */
export { nameInTables } from './ledger/rollup-rows.ts';
export { lockStateFolder, openStore, type StateFolder, type StoreOptions } from './open-store.ts';
export type {
  BanRow,
  InvoiceRow,
  KeyChange,
  KeyUse,
  KeyRow,
  MigrationStatus,
  OverrideRow,
  PlanRow,
  PolicyKey,
  PlanTerms,
  QuotaRow,
  QuotaUsed,
  QuotaUseFilter,
  Store,
  StoreAdmin,
  StoreErrorCode,
  StoreKind,
  Tables,
  UsageFilter,
  UsageLine,
  UserRow,
} from './store.ts';
export { StoreError, type StoreOwner } from './store-error.ts';
