import type {
  KeySetText,
  PolicySnapshot,
  QuotaPolicy,
  RulePolicy,
  RulesByMatch,
  RuleText,
  SocketBounds,
} from '../../config/index.ts';
import { readSharedText } from '../../identity/index.ts';

/** What holds for the keys of one set beside what holds for all. */
export interface KeySet extends RulesByMatch<RulePolicy> {
  readonly quota: QuotaPolicy | null;
  /** Of all keys of the user together. */
  readonly userQuota: QuotaPolicy | null;
  readonly bounds: SocketBounds;
}

/** Sets kept as they were read; beyond it is begun anew. One is read again in some 3 µs. */
const KNOWN_MAX = 16_384;
/** Index of a network that there is no more: no call is on it. */
const GONE_NETWORK = Number.MAX_SAFE_INTEGER;

/**
 * The sets of a snapshot's keys, each read from shared memory when its first key calls: a snapshot is ready in the same time
 * whatever number of sets there are, and a set that main adds is there with the key that has it.
 */
export function createKeySets(
  { keySets, networks, socketBounds }: PolicySnapshot,
  knownMax = KNOWN_MAX,
): (number: number) => KeySet {
  const none: KeySet = {
    methods: [],
    groups: [],
    all: [],
    quota: null,
    userQuota: null,
    bounds: socketBounds,
  };
  const known = new Map<number, KeySet>();

  /** In place: an object made anew has another shape than the snapshot's rules, and made a call 8 % slower. */
  const ruleOf = (rule: RuleText): RulePolicy => {
    if (rule.on === undefined) return rule;
    const index = networks.findIndex(({ name }) => name === rule.on);
    rule.network = index < 0 ? GONE_NETWORK : index;
    return rule;
  };
  const named = (rules: [string, RuleText][]): [string, RulePolicy][] => {
    for (const [, rule] of rules) ruleOf(rule);
    return rules;
  };

  function boundsOf(own: KeySetText['websocket']): SocketBounds {
    if (own === null) return socketBounds;
    const { connections, subscriptions, messagesRule } = own;
    return {
      connections: connections ?? socketBounds.connections,
      subscriptions: subscriptions ?? socketBounds.subscriptions,
      messagesRule:
        messagesRule === undefined ? socketBounds.messagesRule : messagesRule && ruleOf(messagesRule),
    };
  }

  return (number) => {
    if (number === 0) return none;
    let set = known.get(number);
    if (set === undefined) {
      const { methods, groups, all, quota, userQuota, websocket }: KeySetText = JSON.parse(
        readSharedText(keySets, number),
      );
      set = {
        methods: named(methods),
        groups: named(groups),
        all: all.map(ruleOf),
        quota,
        userQuota,
        bounds: boundsOf(websocket),
      };
      if (known.size >= knownMax) known.clear();
      known.set(number, set);
    }
    return set;
  };
}
