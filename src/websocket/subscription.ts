import type { Session } from './session.ts';

/** One caller's subscription, in its worker. */
export interface Subscription {
  /** What the caller knows it by: 128 random bits in hex. */
  readonly id: string;
  readonly session: Session;
  readonly ask: number;
  readonly kind: string;
  /** -1 until the hub has answered. */
  feed: number;
  /** Its caller was told the id: events may follow. */
  live: boolean;
  /** Events that came before that. */
  held: string[];
  /** The newest head that a slow client was not sent; null for none. */
  latest: string | null;
  /** Its session will say when there is room for that. */
  waits: boolean;
}
