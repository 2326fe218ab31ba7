import { z } from 'zod';
import { delegated, list, methodKey, nameOf, namedMap, record, section } from './containers.ts';
import { factsOf, jsonOf } from './facts.ts';
import { choice, duration, integer, text } from './fields.ts';
import { share } from './fractions.ts';

const MAX_TOKENS = 100_000_000;

const ruleFields = {
  requests: integer({
    min: 1,
    max: MAX_TOKENS,
    unit: 'tokens',
    about: 'Tokens refilled over each `period`, continuously.',
  }),
  period: duration({ min: '1ms', max: '24h', about: 'Over which `requests` come back.' }),
  burst_size: integer({
    min: 0,
    max: MAX_TOKENS,
    default: 0,
    unit: 'tokens',
    about: 'Tokens on top: the bucket holds `requests` + `burst_size`.',
  }),
  mode: choice({
    values: ['enforce', 'shadow'],
    default: 'enforce',
    about: '`shadow` counts and reports what it would have refused, and refuses nothing.',
  }),
  consistency: choice({
    values: ['leased', 'exact'],
    default: 'leased',
    about:
      'With `redis` and several instances: `leased` takes tokens ahead, so that no call waits; `exact` asks Redis for each call. A rule with fewer than five tokens an instance is exact by itself, a ceiling of all callers always leased. Without `redis` all are exact.',
  }),
  network: text<string | null>({
    type: 'name of a network',
    about: 'Holds on this network only, with a bucket of its own there.',
    expected: 'the name of a network',
    default: { written: 'all networks', value: null },
    parse: (name) => (name.length > 0 ? name : undefined),
  }),
};

const rule = record('A token bucket.', ruleFields);

/** One rule, or several of which the first that holds on the network wins. */
const ruleList = z.array(rule).min(1).max(100);

type Rules = z.output<typeof ruleList>;

const builtIn = { requests: 100, period: '1s', burst_size: 50 };

/** What holds where `limits.default` is not written. */
export const builtInDefault = Object.freeze([Object.freeze(rule.parse(builtIn))]) as unknown as Rules;

const builtInText = `{ ${Object.entries(builtIn)
  .map(([name, value]) => `${name}: ${value}`)
  .join(', ')} }`;

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

const oneOrMore = (about: string, none: boolean) =>
  delegated(ruleList, {
    facts: {
      type: none ? 'rule, list of rules or `none`' : 'rule or list of rules',
      about,
      default: none ? builtInText : undefined,
      fields: ruleFields,
      json: () => ({
        anyOf: [
          jsonOf(rule),
          { type: 'array', minItems: 1, items: jsonOf(rule) },
          ...(none ? [{ const: 'none' }] : []),
        ],
      }),
    },
    ready(value): Rules | undefined {
      if (none && value === undefined) return builtInDefault;
      return none && value === 'none' ? [] : undefined;
    },
    input: asList,
  });

const rules = oneOrMore(
  'A rule, or a list of rules of which the first that holds on the network wins.',
  false,
);
const byGroup = (about: string) => namedMap(nameOf('a group'), rules, { type: 'map of rules', about });
const byMethod = (about: string) => namedMap(methodKey, rules, { type: 'map of rules', about });

/** A key's own limits: they go before those of all callers. */
export const keyLimitFields = {
  default: delegated(ruleList, {
    facts: {
      ...factsOf(rules),
      about: 'For all calls of this key.',
      default: 'none',
      json: () => jsonOf(rules),
    },
    ready: (value): Rules | undefined => (value === undefined || value === 'none' ? [] : undefined),
    input: asList,
  }),
  groups: byGroup('For its calls of a group’s methods.'),
  methods: byMethod('For its calls of one method, by pattern.'),
};

const ceiling = record('A limit that holds in addition to the rule that matched.', {
  name: text<string>({
    type: 'name',
    about: 'What headers and errors call it.',
    expected: 'a name: letters, digits, `.`, `_`, `-`, at most 64',
    parse: (name) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) ? name : undefined),
  }),
  per: choice({
    values: ['address', 'key', 'network', 'global'],
    about: 'Whose bucket: each address’s, each key’s, one for each network, or one for all.',
  }),
  ...ruleFields,
});

export const limitsSection = section(
  'How many calls. The first rule that matches holds: the key’s for the method, its group, all; then the method’s, the group’s, the default.',
  {
    default: oneOrMore('For calls no other rule matches; `none`: no limit.', true),
    groups: byGroup('For a group’s methods, which share one bucket a caller.'),
    methods: byMethod('For one method, by pattern; the most specific wins.'),
    ceilings: list(ceiling, {
      type: 'list of ceilings',
      about: 'Limits in addition. A call takes from all its buckets or from none.',
      max: 8,
    }),
    headers: choice({
      values: ['standard', 'both', 'none'],
      default: 'standard',
      about: '`standard`: `RateLimit-Policy` and `RateLimit`. `both`: `X-RateLimit-*` as well.',
    }),
    charge_cached: share({
      default: '100%',
      about:
        'What a call costs that is answered from the cache, or joined to an identical call in flight, as a share of its method’s cost, rounded up to a whole token.',
    }),
    table_entries: integer({
      min: 1024,
      max: 67_108_864,
      default: 2_097_152,
      unit: 'buckets',
      about:
        'Buckets the shared table holds, 32 bytes each, touched as they are used; twice the callers expected at once. A change needs a restart.',
    }),
    quota_slots: integer({
      min: 1024,
      max: 16_777_216,
      default: 1_048_576,
      unit: 'quotas',
      about:
        'Keys with a quota, of the config and the store, and users with one, that can be counted; 16 bytes each, touched as they are used. Keys of the store beyond are refused (401), and the log says so. A change needs a restart.',
    }),
  },
);
