import type { Config, KeyConfig, QuotaConfig } from '../config.ts';
import { ruleChanges, rulesOf } from './limits.ts';
import { some } from './words.ts';

type Say = (sentence: string) => void;

/** Keys one by one up to here; beyond, in sums. */
const KEYS_TOLD_MAX = 20;

export function planKeys(from: Config, to: Config, say: Say): void {
  const before = new Map(from.keys.map((key) => [key.name, key]));
  const added: string[] = [];
  const changed: [string, string[]][] = [];
  for (const key of to.keys) {
    const old = before.get(key.name);
    before.delete(key.name);
    if (!old) added.push(key.name);
    else if (old !== key) {
      const sentences = keyChanges(old, key);
      if (sentences.length > 0) changed.push([key.name, sentences]);
    }
  }
  if (added.length > 0) say(`${plural(added.length, 'key is', 'keys are')} added: ${some(added)}.`);
  if (before.size > 0) {
    say(
      `${plural(before.size, 'key is', 'keys are')} removed: ${some([...before.keys()])}. Their callers get 401.`,
    );
  }
  if (changed.length <= KEYS_TOLD_MAX) for (const [, sentences] of changed) sentences.forEach(say);
  else say(`${changed.length} keys change: ${some(changed.map(([name]) => name))}.`);
}

function keyChanges(from: KeyConfig, to: KeyConfig): string[] {
  const name = `Key ${to.name}`;
  const sentences: string[] = [];
  if (from.digest !== to.digest) {
    sentences.push(
      `${name} is replaced (${from.prefix}… by ${to.prefix}…): the old one gets 401 at once. Its quota goes on.`,
    );
  }
  if (from.enabled !== to.enabled)
    sentences.push(`${name} is ${to.enabled ? 'enabled' : 'disabled: its callers get 401'}.`);
  if (from.expires !== to.expires)
    sentences.push(`${name} now expires ${to.expires === 0 ? 'never' : new Date(to.expires).toISOString()}.`);
  sentences.push(
    ...ruleChanges(rulesOf(from.limits, 'key:'), rulesOf(to.limits, 'key:'), `of key ${to.name}`),
  );
  const [old, now] = [quotaText(from.quota), quotaText(to.quota)];
  if (old !== now) {
    const kept =
      from.quota && to.quota && from.quota.period === to.quota.period ? ' What is used stays used.' : '';
    sentences.push(`${name}: the quota changes from ${old} to ${now}.${kept}`);
  }
  const [oldBounds, nowBounds] = [boundsText(from.websocket), boundsText(to.websocket)];
  if (oldBounds !== nowBounds)
    sentences.push(`${name}: its bounds over WebSocket change from ${oldBounds} to ${nowBounds}.`);
  return sentences;
}

function boundsText(bounds: KeyConfig['websocket']): string {
  if (!bounds) return 'those of all';
  const own = Object.entries(bounds).filter(([, value]) => value !== null);
  return own.length === 0 ? 'those of all' : own.map(([field, value]) => `${field} ${value}`).join(', ');
}

function quotaText(quota: QuotaConfig | null): string {
  if (!quota) return 'none';
  const amount = quota.requests === null ? `${quota.cost} cost units` : `${quota.requests} requests`;
  return `${amount} a ${quota.period}, warning at ${quota.warn_at.join(', ')} %`;
}

function plural(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}
