import type { Config, KeyLimitsConfig, RuleConfig } from '../config.ts';
import { formatDuration } from '../quantity.ts';

type Say = (sentence: string) => void;

/** `100 per 1s + 50 burst`. */
export function ruleText(rule: RuleConfig): string {
  const burst = rule.burst_size > 0 ? ` + ${rule.burst_size} burst` : '';
  const network = rule.network === null ? '' : ` on ${rule.network}`;
  return `${rule.requests} per ${formatDuration(rule.period)}${burst}${rule.mode === 'shadow' ? ' (shadow)' : ''}${rule.consistency === 'exact' ? ' (exact)' : ''}${network}`;
}

export function planLimits(from: Config, to: Config, say: Say): void {
  for (const sentence of ruleChanges(rulesOf(from.limits, ''), rulesOf(to.limits, ''), 'of all callers'))
    say(sentence);
  const ceilings = (config: Config): Map<string, RuleConfig> =>
    new Map(config.limits.ceilings.map((one) => [`ceiling:${one.name} per ${one.per}`, one]));
  for (const sentence of ruleChanges(ceilings(from), ceilings(to), '')) say(sentence);
}

/** Rules by the scope their buckets belong to: what keeps its scope keeps its buckets. */
export function rulesOf(set: KeyLimitsConfig, prefix: string): Map<string, RuleConfig> {
  const rules = new Map<string, RuleConfig>();
  const add = (name: string, list: readonly RuleConfig[]): void => {
    const places = new Map<string | null, number>();
    for (const rule of list) {
      const place = places.get(rule.network) ?? 0;
      places.set(rule.network, place + 1);
      rules.set(
        `${name}${rule.network === null ? '' : `@${rule.network}`}${place > 0 ? `#${place}` : ''}`,
        rule,
      );
    }
  };
  add(`${prefix}default`, set.default);
  for (const [group, list] of Object.entries(set.groups)) add(`${prefix}group:${group}`, list);
  for (const [pattern, list] of Object.entries(set.methods)) add(`${prefix || 'method:'}${pattern}`, list);
  return rules;
}

export function ruleChanges(
  from: ReadonlyMap<string, RuleConfig>,
  to: ReadonlyMap<string, RuleConfig>,
  whose: string,
): string[] {
  const sentences: string[] = [];
  const rule = (name: string): string => `Rule ${name}${whose ? ` ${whose}` : ''}`;
  for (const [name, after] of to) {
    const before = from.get(name);
    if (!before) {
      sentences.push(`${rule(name)} is added: ${ruleText(after)}. Its buckets start full.`);
      continue;
    }
    const parameters = (one: RuleConfig): string => `${one.requests} ${one.period} ${one.burst_size}`;
    const [old, now] = [parameters(before), parameters(after)];
    const turns = after.mode === 'shadow' ? 'It no longer refuses, only reports.' : 'It now refuses.';
    if (old !== now) {
      const mode = before.mode === after.mode ? '' : ` ${turns}`;
      sentences.push(
        `${rule(name)} changes from ${ruleText(before)} to ${ruleText(after)}. Its buckets keep how full they are (the ratio).${mode}`,
      );
    } else {
      if (before.mode !== after.mode)
        sentences.push(
          `${rule(name)} turns from ${before.mode} to ${after.mode}. ${turns} Its buckets are kept.`,
        );
      if (before.consistency !== after.consistency)
        sentences.push(
          `${rule(name)} turns from ${before.consistency} to ${after.consistency}. Its buckets are kept.`,
        );
    }
  }
  for (const [name, before] of from) {
    if (!to.has(name))
      sentences.push(`${rule(name)} is removed (${ruleText(before)}). Its buckets are dropped.`);
  }
  return sentences;
}
