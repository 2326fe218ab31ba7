import type { KeyLimitsConfig, RuleConfig } from '../config.ts';
import { bucketShape } from '../../limits/index.ts';
import { nearestName } from '../nearest.ts';
import type { Path } from '../problem.ts';
import { formatDuration } from '../quantity.ts';
import { builtInDefault } from '../schema/limits.ts';
import type { CheckContext } from './context.ts';
import { hides } from './methods.ts';

export function checkLimits(context: CheckContext): void {
  const { config, error, warn } = context;
  const { limits } = config;
  checkRuleSet(context, limits, ['limits']);
  const names = new Map<string, number>();
  for (const [index, ceiling] of limits.ceilings.entries()) {
    const path = ['limits', 'ceilings', index];
    checkRule(context, ceiling, path);
    const first = names.get(ceiling.name);
    if (first === undefined) names.set(ceiling.name, index);
    else {
      error(
        [...path, 'name'],
        (lineOf) =>
          `a second ceiling named ${ceiling.name}, the first is on ${lineOf(['limits', 'ceilings', first, 'name'])}`,
        'give them different names',
      );
    }
    if (ceiling.per === 'network' && ceiling.network !== null) {
      warn([...path, 'network'], 'per: network counts each network by itself; this names one of them only');
    }
  }
  const all = [...Object.values(limits.methods), ...Object.values(limits.groups), limits.default].flat();
  if (
    all.length > 0 &&
    all.every((rule) => rule.mode === 'shadow') &&
    limits.ceilings.every((c) => c.mode === 'shadow')
  ) {
    warn(['limits'], 'every rule is a shadow: nothing is limited', undefined, 'key');
  }
}

/** The rules of all callers, or a key's own. */
export function checkRuleSet(context: CheckContext, set: KeyLimitsConfig, base: Path): void {
  const { config, error, warn } = context;
  checkRules(context, set.default, [...base, 'default']);
  const groups = Object.keys(config.methods.groups);
  for (const [name, rules] of Object.entries(set.groups)) {
    const path = [...base, 'groups', name];
    if (!groups.includes(name)) {
      const near = nearestName(name, groups);
      const known =
        groups.length === 0 ? 'no groups are defined: methods.groups' : `defined are ${groups.join(', ')}`;
      error(path, `no group ${name} in methods.groups`, near ? `did you mean ${near}?` : known, 'key');
      continue;
    }
    checkRules(context, rules, path);
    const patterns = config.methods.groups[name] ?? [];
    if (patterns.length > 0 && patterns.every((pattern) => alwaysRuled(set, pattern))) {
      warn(
        path,
        'never applies: each of the group’s patterns has a rule of its own under methods',
        undefined,
        'key',
      );
    }
  }
  for (const [pattern, rules] of Object.entries(set.methods)) {
    const path = [...base, 'methods', pattern];
    checkRules(context, rules, path);
    const blocked = config.methods.blocked.find((one) => hides(one, pattern));
    if (blocked !== undefined)
      warn(path, `never applies: every method it fits is blocked by ${blocked}`, undefined, 'key');
  }
  // The built-in default stands nowhere in the file: nothing to warn of.
  if (set.default.length > 0 && set.default !== builtInDefault && alwaysRuled(set, '*')) {
    warn([...base, 'default'], 'never applies: the rule for * under methods comes first', undefined, 'key');
  }
}

function checkRules(context: CheckContext, rules: readonly RuleConfig[], path: Path): void {
  for (const [index, rule] of rules.entries()) {
    checkRule(context, rule, [...path, index]);
    const first = rules.findIndex(
      (other) => other.mode === 'enforce' && (other.network === null || other.network === rule.network),
    );
    // A call has room for one shadow of each rank.
    const shadow = rules.findIndex(
      (other) =>
        other.mode === 'shadow' &&
        (other.network === null || rule.network === null || other.network === rule.network),
    );
    if (rule.mode === 'shadow' && shadow < index) {
      context.error(
        [...path, index, 'mode'],
        (lineOf) => `a second shadow rule in one list, the first is on ${lineOf([...path, shadow])}`,
        'keep one for each network',
      );
    }
    if (first >= 0 && first < index) {
      context.warn(
        [...path, index],
        (lineOf) => `never applies: the rule on ${lineOf([...path, first])} comes first`,
      );
    }
  }
}

function checkRule({ config, error }: CheckContext, rule: RuleConfig, path: Path): void {
  const { requests, period, burst_size: burst } = rule;
  if (!bucketShape({ requests, periodMs: period, burst })) {
    error(
      [...path, 'requests'],
      `no bucket holds ${requests} + ${burst} tokens over ${formatDuration(period)} exactly`,
      'use rounder or smaller numbers',
    );
  }
  if (rule.network === null) return;
  const names = config.networks.map(({ name }) => name);
  if (names.includes(rule.network)) return;
  const near = nearestName(rule.network, names);
  error(
    [...path, 'network'],
    `no network ${rule.network}`,
    near ? `did you mean ${near}?` : `there is ${names.join(', ')}`,
  );
}

/** Is every method the pattern fits surely taken by a rule under methods, on every network? */
function alwaysRuled(set: KeyLimitsConfig, pattern: string): boolean {
  return Object.entries(set.methods).some(
    ([broad, rules]) =>
      hides(broad, pattern) && rules.some((rule) => rule.mode === 'enforce' && rule.network === null),
  );
}
