import type { Config } from './config.ts';
import type { RuleCompiler, RuleMaker } from './rule-compiler.ts';
import type { SocketBounds } from './snapshot.ts';

/** What a caller's messages over WebSocket are called in headers, errors and explain. */
const MESSAGES_RULE = 'websocket:messages';

/** The bounds of callers whose key has none of its own. */
export function compileSocketBounds(all: Config['websocket'], { add, rules }: RuleCompiler): SocketBounds {
  return {
    connections: all.max_connections,
    subscriptions: all.max_subscriptions,
    messagesRule: messagesRuleOf(all.messages_per_second, (...of) => rules[add(...of)]!),
  };
}

/** 0 a second: they have no bound. */
export function messagesRuleOf<R>(messages: number, make: RuleMaker<R>): R | null {
  if (messages === 0) return null;
  const rule = {
    ...{ requests: messages, period: 1000, burst_size: 0 },
    ...({ mode: 'enforce', consistency: 'leased', network: null } as const),
  };
  return make(rule, MESSAGES_RULE, 'ceiling');
}
