import { setTimeout as sleep } from 'node:timers/promises';
import { isWorthRetrying } from './errors.ts';

const attempts = 6;

/** Runs a transaction, and again where it failed only because others ran at the same time; the last failure is the caller's. */
export async function retried<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === attempts || !isWorthRetrying(error)) throw error;
    }
    // Not both at the same moment again.
    await sleep(Math.random() * 10 * 2 ** attempt);
  }
}
