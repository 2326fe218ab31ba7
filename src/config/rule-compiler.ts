import type { KeyLimitsConfig, RuleConfig } from './config.ts';
import type { Registries } from './registries.ts';
import type { RulePolicy, RuleRank, RuleSet } from './snapshot.ts';

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

export interface RuleCompiler {
  /** Every rule so far, by number. */
  rules: RulePolicy[];
  /** The rule's number; the same rule has one number however many keys have it. */
  add(config: RuleConfig, name: string, rank: RuleRank, place?: number): number;
  addSet(config: KeyLimitsConfig, ranks: SetRanks): RuleSet;
}

export function createRuleCompiler(
  registries: Registries,
  networkIndex: ReadonlyMap<string, number>,
): RuleCompiler {
  const rules: RulePolicy[] = [];
  const numbers = new Map<string, number>();

  const add: RuleCompiler['add'] = (config, name, rank, place = 0) => {
    const { requests, period, burst_size: burst, mode, network } = config;
    const scope = `${name}${network === null ? '' : `@${network}`}${place > 0 ? `#${place}` : ''}`;
    const id = `${scope} ${rank} ${requests} ${period} ${burst} ${mode}`;
    const known = numbers.get(id);
    if (known !== undefined) return known;
    const [scopeLo, scopeHi] = registries.scopeHash(scope);
    const number = rules.push({
      name,
      scope,
      scopeLo,
      scopeHi,
      version: registries.versions.versionOf(scope, { requests, periodMs: period, burst }),
      requests,
      periodMs: period,
      burst,
      capacity: requests + burst,
      mode,
      network: network === null ? -1 : (networkIndex.get(network) ?? -1),
      rank,
    });
    numbers.set(id, number - 1);
    return number - 1;
  };

  /** Places count among the rules of one network and mode only, so that one more elsewhere in the list moves no bucket. */
  const addList = (list: readonly RuleConfig[], name: string, rank: RuleRank): number[] => {
    if (list.length === 1) return [add(list[0]!, name, rank)];
    const places = new Map<string | null, number>();
    return list.map((rule) => {
      const place = places.get(rule.network) ?? 0;
      places.set(rule.network, place + 1);
      return add(rule, name, rank, place);
    });
  };

  return {
    rules,
    add,
    addSet(config, ranks) {
      // A key's own rules are told from those of all callers by their prefix.
      const methodPrefix = ranks.prefix === '' ? 'method:' : ranks.prefix;
      return {
        methods: Object.entries(config.methods).flatMap(([pattern, list]) =>
          addList(list, methodPrefix + pattern, ranks.methods).map((rule): [string, number] => [
            pattern,
            rule,
          ]),
        ),
        groups: Object.entries(config.groups).flatMap(([group, list]) =>
          addList(list, `${ranks.prefix}group:${group}`, ranks.groups).map((rule): [string, number] => [
            group,
            rule,
          ]),
        ),
        all: addList(config.default, `${ranks.prefix}default`, ranks.all),
      };
    },
  };
}
