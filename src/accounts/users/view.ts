import type { QuotaRow, UserRow } from '../../store/index.ts';
import { isoTime, isoTimeOrNull } from '../input/time.ts';

/** A user as results show one. Times are ISO 8601, UTC. */
export interface UserView {
  id: string;
  email: string;
  name: string;
  /** The plan's name. */
  tier: string;
  /** Of all their keys together; null: the plan's. */
  quota: QuotaRow | null;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
}

export function userView(user: UserRow): UserView {
  const { id, email, name, tier, quota, createdAt, updatedAt, deletedAt } = user;
  return {
    ...{ id, email, name, tier, quota },
    createdAt: isoTime(createdAt),
    updatedAt: isoTime(updatedAt),
    deletedAt: isoTimeOrNull(deletedAt),
  };
}
