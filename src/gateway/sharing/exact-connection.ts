import type { ExactStore, LeaseState } from '../../limits/index.ts';
import type { CommandCounts } from '../../redis/index.ts';
import type { WorkerStart } from '../messages.ts';

/** A worker's own connection to Redis, by which it decides exact limits. */
export interface ExactConnection {
  readonly store: ExactStore;
  readonly counts: Readonly<CommandCounts>;
  /** It finds Redis away: the share decides. */
  isAway(): boolean;
  /** Resolves once Redis serves it, at once where main finds it away, and after half a second in any case. */
  ready(state: Pick<LeaseState, 'away'>): Promise<void>;
  /** Ends it. Nothing is sent any more. */
  close(): void;
}

/** The first exact calls would go by the share else. Milliseconds. */
const READY_MS = 500;

/** Under way when it resolves. Loads the client of Redis, which a worker without `redis` has no use for. */
export async function openExactConnection(
  redis: NonNullable<WorkerStart['redis']>,
): Promise<ExactConnection> {
  const { createExactStore, openRedis } = await import('../../redis/index.ts');
  const { client, guard, counts, untilThere, close } = await openRedis(redis, Date.now);
  return {
    store: createExactStore({ client, guard, prefix: redis.prefix, timeoutMs: redis.command_timeout }),
    counts,
    isAway: guard.isOpen,
    ready: (state) => (state.away ? Promise.resolve() : untilThere(READY_MS)),
    close,
  };
}
