import { AccountsError } from '../error.ts';
import { futureTimeOf } from '../input/time.ts';

/** When a key expires, epoch milliseconds, by a text that `futureTime` took; null: `never`. Throws `invalid` for what is past. */
export function expiryOf(text: string, now: number): number | null {
  if (text === 'never') return null;
  const at = futureTimeOf(text, now);
  if (at > now) return at;
  throw new AccountsError('invalid', `expires: found ${text}, which is past`);
}
