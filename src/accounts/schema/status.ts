import { z } from 'zod';
import type { MigrationStatus } from '../../store/index.ts';
import { isoTime } from '../input/time.ts';
import { verb } from '../verb.ts';

/** How the schema stands: what was applied, what is pending, and whether a newer program has been here. */
export const schemaStatus = verb(z.strictObject({}), async ({ store }) =>
  statusView(await store.migrationStatus()),
);

function statusView({ applied, pending, newer }: MigrationStatus) {
  return {
    applied: applied.map(({ version, name, appliedAt }) => ({
      version,
      name,
      appliedAt: isoTime(appliedAt),
    })),
    ...{ pending, newer },
  };
}
