import type { KeyLimitsConfig, RuleConfig } from './config.ts';
import type { Registries } from './registries.ts';
import type { RulePolicy, RuleRank, RulesByMatch, RuleSet, RuleText } from './snapshot.ts';

/** Ranks of the rules of one set, by what they match. */
export interface SetRanks {
  prefix: 'key:' | '';
  methods: RuleRank;
  groups: RuleRank;
  all: RuleRank;
}

export const keyRanks: SetRanks = {
  prefix: 'key:',
  methods: 'key-method',
  groups: 'key-group',
  all: 'key-all',
};
export const callerRanks: SetRanks = { prefix: '', methods: 'method', groups: 'group', all: 'default' };

/** Makes a rule of its config; `place` is that among several alike. */
export type RuleMaker<R> = (config: RuleConfig, name: string, rank: RuleRank, place?: number) => R;

/** Rules of a config by number; the same rule has one number. */
export interface RuleCompiler {
  /** Every rule so far, by number. */
  rules: RulePolicy[];
  add: RuleMaker<number>;
  addSet(config: KeyLimitsConfig, ranks: SetRanks): RuleSet;
}

export function createRuleCompiler(
  registries: Registries,
  networkIndex: ReadonlyMap<string, number>,
): RuleCompiler {
  const rules: RulePolicy[] = [];
  const numbers = new Map<string, number>();
  const rule = createRuleMaker(registries);

  const add: RuleMaker<number> = (config, name, rank, place) => {
    const made = rule(config, name, rank, place);
    const id = `${made.scope} ${rank} ${made.requests} ${made.periodMs} ${made.burst} ${made.mode} ${made.exact}`;
    let number = numbers.get(id);
    if (number === undefined) {
      if (made.on !== undefined) made.network = networkIndex.get(made.on) ?? -1;
      number = rules.push(made) - 1;
      numbers.set(id, number);
    }
    return number;
  };
  return { rules, add, addSet: (config, ranks) => compileRules(config, ranks, add) };
}

/** Throws RangeError where shared memory has no number left for the rule. */
export function createRuleMaker({ scopeHash, versions }: Registries): RuleMaker<RuleText> {
  return ({ requests, period, burst_size: burst, mode, consistency, network }, name, rank, place = 0) => {
    const scope = `${name}${network === null ? '' : `@${network}`}${place > 0 ? `#${place}` : ''}`;
    const [scopeLo, scopeHi] = scopeHash(scope);
    const version = versions.versionOf(scope, { requests, periodMs: period, burst });
    // Members in one order, whatever they come from: rules that are read in a worker then have one shape.
    return {
      ...{ name, scope, scopeLo, scopeHi, version, requests, periodMs: period, burst },
      ...{ capacity: requests + burst, mode, exact: consistency === 'exact', network: -1, rank },
      ...(network !== null && { on: network }),
    };
  };
}

export function compileRules<R>(
  config: KeyLimitsConfig,
  ranks: SetRanks,
  make: RuleMaker<R>,
): RulesByMatch<R> {
  /** Places count among the rules of one network and mode only, so that one more elsewhere in the list moves no bucket. */
  const makeList = (list: readonly RuleConfig[], name: string, rank: RuleRank): R[] => {
    if (list.length === 1) return [make(list[0]!, name, rank)];
    const places = new Map<string | null, number>();
    return list.map((rule) => {
      const place = places.get(rule.network) ?? 0;
      places.set(rule.network, place + 1);
      return make(rule, name, rank, place);
    });
  };
  const named = (lists: Readonly<Record<string, readonly RuleConfig[]>>, prefix: string, rank: RuleRank) =>
    Object.entries(lists).flatMap(([match, list]) =>
      makeList(list, prefix + match, rank).map((rule): [string, R] => [match, rule]),
    );
  return {
    // A key's own rules are told from those of all callers by their prefix.
    methods: named(config.methods, ranks.prefix === '' ? 'method:' : ranks.prefix, ranks.methods),
    groups: named(config.groups, `${ranks.prefix}group:`, ranks.groups),
    all: makeList(config.default, `${ranks.prefix}default`, ranks.all),
  };
}
