import { nearestName } from '../../config/index.ts';
import type { OverrideRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';
import { checkOverrides } from './check-overrides.ts';

/** Limits to set, each in place of one for the same methods, and methods whose limit goes. */
export interface OverrideChange {
  set: readonly OverrideRow[];
  unset: readonly string[];
}

/** The limits after the change. Throws `invalid` for a group that is not there, or a limit to remove that is not. */
export function changeOverrides(
  before: readonly OverrideRow[],
  { set, unset }: OverrideChange,
  groups: readonly string[],
): OverrideRow[] {
  checkOverrides(set, groups);
  for (const method of unset) {
    if (before.some((one) => one.method === method)) continue;
    const names = before.map((one) => one.method);
    const near = nearestName(method, names);
    const known = names.length === 0 ? 'there is none' : `there are limits for ${names.join(', ')}`;
    const hint = near === undefined ? known : `did you mean ${near}?`;
    throw new AccountsError('invalid', `There is no limit for ${method} to remove (${hint})`);
  }
  const replaced = new Set([...unset, ...set.map(({ method }) => method)]);
  return [...before.filter(({ method }) => !replaced.has(method)), ...set];
}
