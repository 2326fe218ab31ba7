/** Users, keys, plans, usage and invoices in a database. */
export { periodStart } from './ledger/quota-sums.ts';
export { nameInTables } from './ledger/rollup-rows.ts';
export { lockStateFolder, openStore, type StateFolder, type StoreOptions } from './open-store.ts';
export type {
  BanRow,
  InvoiceRow,
  KeyRow,
  OverrideRow,
  PlanRow,
  PolicyKey,
  PlanTerms,
  QuotaRow,
  UserRow,
} from './rows.ts';
export type { KeyUse, QuotaUsed, QuotaUseFilter, UsageFilter, UsageLine } from './usage-sums.ts';
export type {
  KeyChange,
  MigrationStatus,
  Store,
  StoreAdmin,
  StoreErrorCode,
  StoreKind,
  Tables,
} from './store.ts';
export { StoreError, type StoreOwner } from './store-error.ts';
export { isUuid } from './uuid.ts';
