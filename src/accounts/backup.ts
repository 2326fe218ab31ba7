import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { AccountsError } from './error.ts';
import { verb } from './verb.ts';

const fileExpected = { error: 'expected the absolute path of a new file' };
const input = z.strictObject({ file: z.string(fileExpected).max(4096).refine(isAbsolute, fileExpected) });

/** Writes the whole database, as it is at one moment, to a new file on this machine, while it is in use. */
export const backUp = verb(input, async ({ store }, { file }) => {
  if (store.kind === 'postgres')
    throw new AccountsError(
      'refused',
      'PostgreSQL has its own tools for back-ups: pg_dump, or its continuous archiving',
    );
  await store.backup(file);
  return { file };
});
