import { setTimeout as sleep } from 'node:timers/promises';
import { isWorthRetrying } from './errors.ts';

/** Whoever commits first wins, so that of many at one row the last is sent back by most of the others. */
const attempts = 10;
const longestMs = 500;

/** Runs a transaction, and again where it failed only because others ran at the same time; the last failure is the caller's. */
export async function retried<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === attempts || !isWorthRetrying(error)) throw error;
    }
    // Not both at the same moment again.
    await sleep(Math.random() * Math.min(longestMs, 10 * 2 ** attempt));
  }
}
