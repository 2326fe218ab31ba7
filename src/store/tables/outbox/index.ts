import type { EventHistory, Outbox } from '../../../events/index.ts';
import type { TableContext } from '../context.ts';
import { createOutboxAdd } from './add.ts';
import { createOutboxClaims } from './claims.ts';
import { createOutboxHistory } from './history.ts';
import { createOutboxSinks } from './sinks.ts';

/** Queries of `outbox` and of what belongs to it. */
export function createOutbox(context: TableContext): Outbox & EventHistory {
  return {
    ...createOutboxAdd(context),
    ...createOutboxClaims(context),
    ...createOutboxSinks(context),
    ...createOutboxHistory(context),
  };
}
