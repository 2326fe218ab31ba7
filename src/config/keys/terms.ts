import type { KeyConfig, KeyLimitsConfig, RuleConfig } from '../config.ts';
import type { QuotaPolicy } from '../snapshot.ts';

/** What holds for some keys alike: limits, quota and bounds of their own. */
export interface KeyTerms {
  /** The same for terms that mean the same; empty for none. */
  readonly text: string;
  readonly limits: KeyLimitsConfig;
  readonly quota: QuotaPolicy | null;
  /** Of all keys of the user together. */
  readonly userQuota: QuotaPolicy | null;
  readonly websocket: KeyConfig['websocket'];
  /** Why they cannot be kept, so that who has them is refused; null: they can. */
  readonly problem: string | null;
}

export function termsOf(
  limits: KeyLimitsConfig,
  quota: QuotaPolicy | null,
  websocket: KeyConfig['websocket'],
  userQuota: QuotaPolicy | null = null,
): KeyTerms {
  const quotas = quotaText('quota', quota) + quotaText('user quota', userQuota);
  const text = limitsText(limits) + quotas + websocketText(websocket);
  return { text, limits, quota, userQuota, websocket, problem: null };
}

const textByLimits = new WeakMap<KeyLimitsConfig, string>();

/**
 * The same for limits that mean the same; empty for none. Written out by hand: `JSON.stringify` of 10,000 keys took
 * 30 ms of the 60 there are.
 */
export function limitsText(limits: KeyLimitsConfig): string {
  let text = textByLimits.get(limits);
  if (text === undefined) {
    text = rulesText('', limits.default);
    for (const group of Object.keys(limits.groups)) text += rulesText(`g ${group}`, limits.groups[group]!);
    for (const pattern of Object.keys(limits.methods))
      text += rulesText(`m ${pattern}`, limits.methods[pattern]!);
    textByLimits.set(limits, text);
  }
  return text;
}

function quotaText(of: string, quota: QuotaPolicy | null): string {
  return quota ? `${of} ${quota.unit} ${quota.limit} ${quota.period} ${quota.warnAt.join()}\n` : '';
}

function websocketText(websocket: KeyConfig['websocket']): string {
  if (!websocket) return '';
  const {
    max_connections: connections,
    max_subscriptions: subscriptions,
    messages_per_second: messages,
  } = websocket;
  return `websocket ${connections} ${subscriptions} ${messages}`;
}

function rulesText(name: string, rules: readonly RuleConfig[]): string {
  let text = '';
  for (const { requests, period, burst_size: burst, mode, consistency, network } of rules) {
    text += `${name} ${requests} ${period} ${burst} ${mode} ${consistency} ${network ?? ''}\n`;
  }
  return text;
}
