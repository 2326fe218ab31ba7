import { patternMatches, patternSpecificity } from '../../jsonrpc/index.ts';
import type { CheckContext } from './context.ts';

export function checkMethods({ config, error, warn }: CheckContext): void {
  const { groups, blocked, costs, critical } = config.methods;
  for (const [index, pattern] of blocked.entries()) {
    if (patternSpecificity(pattern) === 0) {
      error(
        ['methods', 'blocked', index],
        `${JSON.stringify(pattern)} blocks every method`,
        'name the methods to block',
      );
    } else if (blocked.indexOf(pattern) !== index) {
      warn(['methods', 'blocked', index], `${pattern} is there twice`);
    }
  }
  /** Of each pattern: the first group that has it. */
  const owner = new Map<string, string>();
  for (const [group, patterns] of Object.entries(groups)) {
    if (patterns.length === 0) warn(['methods', 'groups', group], 'an empty group', undefined, 'key');
    for (const [index, pattern] of patterns.entries()) {
      const path = ['methods', 'groups', group, index];
      const first = owner.get(pattern);
      if (first !== undefined) {
        warn(
          path,
          first === group
            ? `${pattern} is there twice`
            : `${pattern} belongs to group ${first}, which comes first: it has no effect here`,
        );
      } else owner.set(pattern, group);
      const hidden = blocked.find((one) => hides(one, pattern));
      if (hidden !== undefined) warn(path, `every method it fits is blocked by ${hidden}`);
    }
  }
  for (const [index, pattern] of critical.entries()) {
    const path = ['methods', 'critical', index];
    const hidden = blocked.find((one) => hides(one, pattern));
    if (hidden !== undefined) warn(path, `every method it fits is blocked by ${hidden}`);
    else if (patternSpecificity(pattern) === 0) {
      warn(
        path,
        'every method is critical: nothing is held in reserve for any',
        'name the few that matter most',
      );
    }
  }
  for (const pattern of Object.keys(costs)) {
    const hidden = blocked.find((one) => hides(one, pattern));
    if (hidden !== undefined) {
      warn(['methods', 'costs', pattern], `every method it fits is blocked by ${hidden}`, undefined, 'key');
    }
  }
}

/** Does the first pattern fit all that the second fits? Sure only where it says yes. */
export function hides(broad: string, narrow: string): boolean {
  return broad === narrow || patternMatches(broad, narrow);
}
