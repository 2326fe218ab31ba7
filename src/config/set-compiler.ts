import type { Config, KeyConfig } from './config.ts';
import type { KeyTerms } from './keys/terms.ts';
import { keyRanks, type RuleCompiler } from './rule-compiler.ts';
import {
  emptyRuleSet,
  extendSnapshot,
  type PolicySets,
  type SetPolicy,
  type SocketBounds,
} from './snapshot.ts';

/** Compiles the sets that keys share, those of a whole config and those that come later. */
export interface SetCompiler {
  /** Everything so far. */
  readonly tables: PolicySets;
  /** Puts these into the tables, and returns what workers need to do the same. Throws RangeError as `RuleCompiler.add`. */
  add(sets: ReadonlyMap<number, KeyTerms>): {
    firstRule: number;
    rules: PolicySets['rules'];
    sets: SetPolicy[];
  };
}

export function createSetCompiler(config: Config, compiler: RuleCompiler): SetCompiler {
  const boundsOf = createBoundsCompiler(config.websocket, compiler);
  const ofAll = boundsOf(null);
  const tables: PolicySets = {
    rules: compiler.rules,
    ruleSets: [emptyRuleSet],
    keyQuotas: [null],
    userQuotas: [null],
    socketBounds: [ofAll],
  };
  return {
    tables,
    add(sets) {
      const firstRule = compiler.rules.length;
      const compiled = [...sets].map(([number, { limits, quota, userQuota, websocket }]) => ({
        number,
        rules: compiler.addSet(limits, keyRanks),
        quota,
        userQuota,
        bounds: websocket === null ? ofAll : boundsOf(websocket),
      }));
      const addition = { firstRule, rules: compiler.rules.slice(firstRule), sets: compiled };
      extendSnapshot(tables, addition);
      return addition;
    },
  };
}

/** What a caller's messages over WebSocket are called in headers, errors and explain. */
const MESSAGES_RULE = 'websocket:messages';

function createBoundsCompiler(
  all: Config['websocket'],
  compiler: RuleCompiler,
): (own: KeyConfig['websocket']) => SocketBounds {
  return (own) => {
    const messages = own?.messages_per_second ?? all.messages_per_second;
    const rule = { requests: messages, period: 1000, burst_size: 0, mode: 'enforce', network: null } as const;
    return {
      connections: own?.max_connections ?? all.max_connections,
      subscriptions: own?.max_subscriptions ?? all.max_subscriptions,
      messagesRule: messages === 0 ? -1 : compiler.add(rule, MESSAGES_RULE, 'ceiling'),
    };
  };
}
