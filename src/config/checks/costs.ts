import type { KeyLimitsConfig, RuleConfig } from '../config.ts';
import { cheapMethods, otherKnownMethods } from '../ethereum-methods.ts';
import { limitsText } from '../keys/terms.ts';
import { matchMethod, patternMatches } from '../../jsonrpc/index.ts';
import type { Path } from '../problem.ts';
import { builtInDefault } from '../schema/limits.ts';
import type { CheckContext } from './context.ts';

interface PlacedRule {
  rule: RuleConfig;
  path: Path;
}

/**
 * A call that costs more than its bucket holds could never be let through. For all callers that is an error; for the
 * callers of one key, whose rules may be meant to shut a method off, a warning.
 */
export function checkCosts(context: CheckContext): void {
  const { config, parsed, error } = context;
  const costs = Object.entries(config.methods.costs);
  const highest = Math.max(1, ...costs.map(([, cost]) => cost));
  const share = config.limits.charge_cached;
  if (highest === 1) {
    if (share > 0 && share < 1)
      context.warn(
        ['limits', 'charge_cached'],
        'has no effect: tokens are whole, and no method costs more than one',
        'write 0, or give methods.costs',
      );
    return;
  }
  const samples = sampleMethods(context);

  for (const [index, ceiling] of config.limits.ceilings.entries()) {
    const capacity = ceiling.requests + ceiling.burst_size;
    const dear = costs.find(([, cost]) => cost > capacity);
    if (dear && ceiling.mode === 'enforce')
      tell(context, dear[0], dear[1], ceiling, ['limits', 'ceilings', index]);
  }
  const global: Path = ['limits'];
  for (const sample of samples) checkSample(context, sample, [[config.limits, global]]);

  const ample = new Map<string, boolean>();
  const isAmple = (limits: KeyLimitsConfig): boolean => {
    const text = limitsText(limits);
    let known = ample.get(text);
    if (known === undefined) {
      known = rulesOf(limits).every((rule) => rule.requests + rule.burst_size >= highest);
      ample.set(text, known);
    }
    return known;
  };
  for (const [index, key] of parsed.keys.entries()) {
    const path: Path = ['keys', index];
    if (key.quota?.cost !== null && key.quota && key.quota.cost < highest) {
      const dear = costs.find(([, cost]) => cost > (key.quota?.cost ?? 0));
      if (dear) error([...path, 'quota', 'cost'], `less than one call of ${dear[0]} costs (${dear[1]})`);
    }
    if (isAmple(key.limits)) continue;
    const own: Path = [...path, 'limits'];
    for (const sample of samples) checkSample(context, sample, [[key.limits, own]]);
  }
}

interface Sample {
  method: string;
  pattern: string;
  cost: number;
  group: string | undefined;
}

/** A method for each cost's pattern, and every known one it fits: enough to find which rule applies. */
function sampleMethods({ config }: CheckContext): Sample[] {
  const costs = Object.entries(config.methods.costs);
  const groups = Object.entries(config.methods.groups).flatMap(([group, patterns]) =>
    patterns.map((pattern) => ({ group, pattern })),
  );
  const written = [
    ...groups.map(({ pattern }) => pattern),
    ...Object.keys(config.limits.methods),
    ...costs.map(([pattern]) => pattern),
  ].map((pattern) => pattern.replaceAll('*', ''));
  const names = new Set([...written, ...cheapMethods, ...otherKnownMethods]);
  const samples: Sample[] = [];
  for (const method of names) {
    const dearest = matchMethod(method, costs, ([pattern]) => pattern);
    if (!dearest || dearest[1] <= 1) continue;
    if (config.methods.blocked.some((pattern) => patternMatches(pattern, method))) continue;
    const group = matchMethod(method, groups, ({ pattern }) => pattern)?.group;
    samples.push({ method, pattern: dearest[0], cost: dearest[1], group });
  }
  return samples;
}

function checkSample(context: CheckContext, sample: Sample, sets: [KeyLimitsConfig, Path][]): void {
  for (const { name } of context.config.networks) {
    const applies = sets
      .flatMap(([set, path]) => candidates(set, path, sample))
      .find(({ rule }) => rule.mode === 'enforce' && (rule.network === null || rule.network === name));
    if (!applies || sample.cost <= applies.rule.requests + applies.rule.burst_size) continue;
    tell(context, sample.pattern, sample.cost, applies.rule, applies.path);
    return;
  }
}

function candidates(set: KeyLimitsConfig, base: Path, { method, group }: Sample): PlacedRule[] {
  const best = matchMethod(method, Object.entries(set.methods), ([pattern]) => pattern);
  const placed = (rules: readonly RuleConfig[], path: Path): PlacedRule[] =>
    rules.map((rule, index) => ({ rule, path: [...path, index] }));
  return [
    ...(best ? placed(best[1], [...base, 'methods', best[0]]) : []),
    ...(group !== undefined && Object.hasOwn(set.groups, group)
      ? placed(set.groups[group] ?? [], [...base, 'groups', group])
      : []),
    ...placed(set.default, [...base, 'default']),
  ];
}

function tell(context: CheckContext, pattern: string, cost: number, rule: RuleConfig, path: Path): void {
  const { told } = context;
  const id = `${pattern} ${JSON.stringify(path)}`;
  if (told.has(id)) return;
  told.add(id);
  const capacity = rule.requests + rule.burst_size;
  const builtIn = (builtInDefault as readonly RuleConfig[]).includes(rule);
  const ofKey = path[0] === 'keys';
  const say = ofKey ? context.warn : context.error;
  say(
    ofKey ? path : ['methods', 'costs', pattern],
    (lineOf) =>
      `a call of ${pattern} costs ${cost}, but ${ofKey ? 'this bucket' : `its bucket (${builtIn ? 'limits.default, built in' : lineOf(path)})`} holds ${capacity}: it would never be let through`,
    builtIn
      ? 'give limits.default, or lower the cost'
      : `raise burst_size to ${cost - rule.requests}, or lower the cost`,
  );
}

function rulesOf(limits: KeyLimitsConfig): RuleConfig[] {
  return [limits.default, ...Object.values(limits.groups), ...Object.values(limits.methods)].flat();
}
