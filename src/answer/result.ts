import type { HeightMember } from './ethereum-facts.ts';
import { firstIn, isArray, isNull, memberAt, quantityAt } from './json-walk.ts';

/** Where the result of a sound answer in [start, end) begins; -1 where it is null or there is none. */
export function resultAt(bytes: Buffer, start: number, end: number): number {
  const at = memberAt(bytes, start, end, 'result');
  return at < 0 || isNull(bytes, at) ? -1 : at;
}

/** The same where it is known where the result begins. */
export function notNull(bytes: Buffer, result: number): number {
  return isNull(bytes, result) ? -1 : result;
}

/** The block number that the result, or its first item, says; -1 where it says none, or is empty. */
export function heightIn(bytes: Buffer, result: number, end: number, member: HeightMember): number {
  const item = isArray(bytes, result) ? firstIn(bytes, result, end) : result;
  const value = item < 0 ? -1 : memberAt(bytes, item, end, member);
  return value < 0 ? -1 : quantityAt(bytes, value, end);
}
