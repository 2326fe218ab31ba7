import { nearestName } from '../../config/index.ts';
import type { OverrideRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';

/** Refuses a group that the config does not name, which would never match, and two limits for the same. */
export function checkOverrides(overrides: readonly OverrideRow[], groups: readonly string[]): void {
  const seen = new Set<string>();
  for (const { method } of overrides) {
    if (seen.has(method)) throw new AccountsError('invalid', `There are two limits for ${method}: give one`);
    seen.add(method);
    const group = groupOf(method);
    if (group === undefined || groups.includes(group)) continue;
    const near = nearestName(group, groups);
    const known = groups.length === 0 ? 'it names none' : `it names ${groups.join(', ')}`;
    const hint = near === undefined ? known : `did you mean ${near}?`;
    throw new AccountsError('invalid', `The config has no group ${group} of methods (${hint})`);
  }
}

function groupOf(method: string): string | undefined {
  return method.startsWith('group:') ? method.slice('group:'.length) : undefined;
}
