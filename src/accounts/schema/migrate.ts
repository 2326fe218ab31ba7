import { z } from 'zod';
import { verb } from '../verb.ts';

/** Brings the schema up to date. `done`: the migrations that were run now. */
export const migrateSchema = verb(z.strictObject({}), async ({ store }) => ({ done: await store.migrate() }));
