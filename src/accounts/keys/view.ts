import type { KeyRow, OverrideRow, QuotaRow, Tables } from '../../store/index.ts';
import { isoTime, isoTimeOrNull } from '../input/time.ts';

export type KeyState = 'active' | 'disabled' | 'expired' | 'deleted';

/** A key as results show one: never the key or its hash. Times are ISO 8601, UTC. */
export interface KeyView {
  id: string;
  prefix: string;
  name: string;
  /** null: a key of the config. */
  user: { id: string; email: string } | null;
  source: KeyRow['source'];
  state: KeyState;
  expiresAt: string | null;
  /** Until when the key before the last rotation is taken too. */
  previousUntil: string | null;
  /** Its own; null: its plan's. */
  quota: QuotaRow | null;
  overrides: OverrideRow[];
  createdAt: string;
  lastUsedAt: string | null;
  deletedAt: string | null;
}

/** Views of keys, their users looked up. */
export async function keyViews(tables: Tables, keys: readonly KeyRow[], now: number): Promise<KeyView[]> {
  const users = await tables.users.names([...new Set(keys.flatMap(({ userId }) => userId ?? []))]);
  return keys.map((key) => {
    const { userId } = key;
    return view(key, userId === null ? null : { id: userId, email: users.get(userId)?.email ?? '' }, now);
  });
}

/** The view of one key. */
export async function keyView(tables: Tables, key: KeyRow, now: number): Promise<KeyView> {
  const [one] = await keyViews(tables, [key], now);
  return one as KeyView;
}

function view(key: KeyRow, user: KeyView['user'], now: number): KeyView {
  const { id, prefix, name, source, expiresAt, previousUntil, quota, overrides } = key;
  return {
    ...{ id, prefix, name, user, source, state: stateOf(key, now) },
    expiresAt: isoTimeOrNull(expiresAt),
    previousUntil: previousUntil !== null && previousUntil > now ? isoTime(previousUntil) : null,
    ...{ quota, overrides },
    createdAt: isoTime(key.createdAt),
    lastUsedAt: isoTimeOrNull(key.lastUsedAt),
    deletedAt: isoTimeOrNull(key.deletedAt),
  };
}

function stateOf({ deletedAt, enabled, expiresAt }: KeyRow, now: number): KeyState {
  if (deletedAt !== null) return 'deleted';
  if (!enabled) return 'disabled';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}
