import type { Database } from '../database.ts';
import { fromSqlite } from '../errors.ts';
import { carryOver, missingIn } from './carry-over.ts';
import { type IssuedLog, openIssuedLog } from './issued-log.ts';

/**
 * Opens `issued.log` of a folder and brings log and database, which has its schema, in line with each other. `say` is told what an
 * operator must know. Throws StoreError.
 */
export function openIssued(
  database: Database,
  folder: string,
  now: number,
  say: (message: string) => void,
): IssuedLog {
  try {
    const log = openIssuedLog(folder);
    if (log.unreadable > 0) say(`${log.unreadable} lines of issued.log cannot be read`);
    for (const message of carryOver(database, log, now)) say(message);
    try {
      log.append(missingIn(database, log, now));
    } catch (error) {
      // It is tried again with the next line; a full disk must not keep the store shut.
      say((error as Error).message);
    }
    return log;
  } catch (error) {
    throw fromSqlite(error);
  }
}
