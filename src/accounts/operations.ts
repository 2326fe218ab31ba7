import { nearestName } from '../config/index.ts';
import { backUp } from './backup.ts';
import { AccountsError } from './error.ts';
import { listEvents } from './events/list.ts';
import { replayEvents } from './events/replay.ts';
import { showEvent } from './events/show.ts';
import { forecastInvoice } from './invoices/forecast.ts';
import { issueInvoice } from './invoices/issue.ts';
import { showInvoice } from './invoices/show.ts';
import { createKey } from './keys/create.ts';
import { deleteKey } from './keys/delete.ts';
import { disableKey } from './keys/disable.ts';
import { enableKey } from './keys/enable.ts';
import { keyLimits } from './keys/limits.ts';
import { listKeys } from './keys/list.ts';
import { rotateKey } from './keys/rotate.ts';
import { showKey } from './keys/show.ts';
import { deletePlan } from './plans/delete.ts';
import { listPlans } from './plans/list.ts';
import { putPlan } from './plans/put.ts';
import { showPlan } from './plans/show.ts';
import { reconcile } from './reconcile/reconcile.ts';
import { migrateSchema } from './schema/migrate.ts';
import { schemaStatus } from './schema/status.ts';
import { queryUsage } from './usage/query.ts';
import { createUser } from './users/create.ts';
import { deleteUser } from './users/delete.ts';
import { listUsers } from './users/list.ts';
import { showUser } from './users/show.ts';
import { updateUser } from './users/update.ts';
import type { Verb } from './verb.ts';

/** All that can be asked for, by name: what `POST /operations/<name>` and the commands offer. */
export const operations = {
  'users.create': createUser,
  'users.list': listUsers,
  'users.show': showUser,
  'users.update': updateUser,
  'users.delete': deleteUser,
  'keys.create': createKey,
  'keys.list': listKeys,
  'keys.show': showKey,
  'keys.rotate': rotateKey,
  'keys.disable': disableKey,
  'keys.enable': enableKey,
  'keys.delete': deleteKey,
  'keys.limits': keyLimits,
  'plans.put': putPlan,
  'plans.list': listPlans,
  'plans.show': showPlan,
  'plans.delete': deletePlan,
  'usage.query': queryUsage,
  'events.list': listEvents,
  'events.show': showEvent,
  'events.replay': replayEvents,
  'invoices.issue': issueInvoice,
  'invoices.show': showInvoice,
  'invoices.forecast': forecastInvoice,
  reconcile,
  'schema.status': schemaStatus,
  'schema.migrate': migrateSchema,
  backup: backUp,
} as const;

/** The operation of that name. Throws `unknown_operation` with the nearest name. */
export function findOperation(name: string): Verb<unknown, unknown> {
  if (Object.hasOwn(operations, name))
    return operations[name as keyof typeof operations] as Verb<unknown, unknown>;
  const near = nearestName(name, Object.keys(operations));
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw new AccountsError('unknown_operation', `There is no operation ${name.slice(0, 80)}${hint}`);
}
