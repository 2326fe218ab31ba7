import type { PolicyExtension, PolicySets } from '../config/index.ts';

/**
 * As main does with its own: the same code once more, since a worker that imports the room of the config for it loads all its
 * parsers, 0.2 s of CPU for each. The same addition once more changes nothing.
 */
export function extendSnapshot(
  { rules, ruleSets, keyQuotas, userQuotas, socketBounds }: PolicySets,
  addition: Pick<PolicyExtension, 'firstRule' | 'rules' | 'sets'>,
): void {
  for (const [at, rule] of addition.rules.entries()) rules[addition.firstRule + at] = rule;
  for (const { number, rules: set, quota, userQuota, bounds } of addition.sets) {
    while (ruleSets.length < number) {
      ruleSets.push(null);
      keyQuotas.push(null);
      userQuotas.push(null);
      socketBounds.push(socketBounds[0]!);
    }
    ruleSets[number] = set;
    keyQuotas[number] = quota;
    userQuotas[number] = userQuota;
    socketBounds[number] = bounds;
  }
}
