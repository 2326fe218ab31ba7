import type { OperationResult } from '../../accounts/index.ts';
import { columns, facts, utc } from './columns.ts';
import { limitText } from './limit-text.ts';
import { quotaText } from './quota-text.ts';

type Key = OperationResult<'keys.show'>;

/** Keys, a line each. */
export function keysTable(keys: readonly Key[]): string {
  if (keys.length === 0) return 'There are no keys.\n';
  const heads = ['key', 'prefix', 'user', 'state', 'expires (UTC)', 'last used (UTC)', 'created (UTC)', 'id'];
  const rows = keys.map((key) => [
    key.name,
    key.prefix,
    key.user?.email ?? `(${key.source})`,
    key.state,
    utc(key.expiresAt),
    utc(key.lastUsedAt),
    utc(key.createdAt),
    key.id,
  ]);
  return columns(
    heads.map((title) => ({ title })),
    rows,
  );
}

/** All that is known of one key. */
export function keyFacts(key: Key): string {
  const time = (at: string | null) => (at === null ? null : `${utc(at)} UTC`);
  return facts([
    ['key', `${key.name} (${key.prefix})`],
    ['user', key.user?.email ?? 'none: it stands in the config'],
    ['state', key.state],
    ['expires', time(key.expiresAt) ?? 'never'],
    ['old key until', time(key.previousUntil)],
    ['limits', key.overrides.map(limitText).join('  ')],
    ['quota', quotaText(key.quota)],
    ['created', time(key.createdAt)],
    ['last used', time(key.lastUsedAt) ?? 'not yet'],
    ['id', key.id],
  ]);
}
