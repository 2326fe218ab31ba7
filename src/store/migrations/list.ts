import { roadmap } from './0001-roadmap.ts';
import { keysAndPlans } from './0002-keys-and-plans.ts';
import { ledger } from './0003-ledger.ts';
import { configKeys } from './0004-config-keys.ts';
import { outbox } from './0005-outbox.ts';
import { bans } from './0006-bans.ts';
import { userQuotas } from './0007-user-quotas.ts';
import { terms } from './0008-terms.ts';
import { largeStores } from './0009-large-stores.ts';
import type { Migration } from './migration.ts';

/** All that there are, in their order. */
export const migrations: readonly Migration[] = [
  roadmap,
  keysAndPlans,
  ledger,
  configKeys,
  outbox,
  bans,
  userQuotas,
  terms,
  largeStores,
];
