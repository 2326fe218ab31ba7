import type { Tables } from '../store.ts';
import type { TableContext } from './context.ts';
import { createBans } from './bans.ts';
import { createInvoices } from './invoices.ts';
import { createKeys } from './keys.ts';
import { createOutbox } from './outbox/index.ts';
import { createPlans } from './plans.ts';
import { createQuotaUse } from './quota-use.ts';
import { createUsage } from './usage.ts';
import { createUsers } from './users.ts';

/** The tables of a database, or as a transaction in it sees them. */
export function createTables(context: TableContext): Tables {
  return {
    users: createUsers(context),
    keys: createKeys(context),
    plans: createPlans(context),
    invoices: createInvoices(context),
    outbox: createOutbox(context),
    bans: createBans(context),
    ...createUsage(context),
    quotaUse: createQuotaUse(context),
    announce: (change) => context.announce(change),
  };
}
